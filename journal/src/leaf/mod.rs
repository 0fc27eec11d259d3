//! The hash of one event, and the verification of all of them.
//!
//! `leaf_hash = SHA-256(0x00 || RFC 8785 JSON of {aggregate_type, aggregate_id, sequence, event_type,
//! event_version, payload, metadata, recorded_at})`, as stored. The position is not in it: the leaf's index in
//! the tree is `position - 1`, so a leaf can be hashed before its position is known.

mod verify;

pub use verify::{BadEvent, Fault, Verified, VerifyError, verify, verify_page};

use domain::Envelope;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// SHA-256 output.
pub type Hash = [u8; 32];

/// Domain separation of RFC 6962: a leaf can never be taken for a node.
const LEAF_PREFIX: [u8; 1] = [0];

const RECORDED_AT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// An event that has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    #[error("the event has no canonical JSON")]
    Json(#[from] serde_json::Error),
    #[error("the time has no canonical text")]
    Time(#[from] time::error::Format),
}

#[derive(Serialize)]
struct Leaf<'a> {
    aggregate_type: &'a str,
    aggregate_id: &'a str,
    sequence: i64,
    event_type: &'a str,
    event_version: &'a str,
    payload: &'a Value,
    metadata: &'a BTreeMap<String, String>,
    recorded_at: String,
}

/// The leaf of an event; its `position` does not matter.
pub fn leaf_hash(event: &Envelope) -> Result<Hash, LeafError> {
    let bytes = canonical(event)?;
    Ok(Sha256::new().chain_update(LEAF_PREFIX).chain_update(bytes).finalize().into())
}

/// What is hashed, for auditors: the canonical JSON of the event.
pub fn canonical(event: &Envelope) -> Result<Vec<u8>, LeafError> {
    let leaf = Leaf {
        aggregate_type: &event.aggregate_type,
        aggregate_id: &event.aggregate_id,
        sequence: event.sequence,
        event_type: &event.event_type,
        event_version: &event.event_version,
        payload: &event.payload,
        metadata: &event.metadata,
        recorded_at: recorded_at_text(event.recorded_at)?,
    };
    Ok(serde_json_canonicalizer::to_vec(&leaf)?)
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, always UTC and always six digits.
fn recorded_at_text(time: OffsetDateTime) -> Result<String, time::error::Format> {
    time.to_offset(UtcOffset::UTC).format(RECORDED_AT)
}

#[cfg(test)]
mod tests;
