//! The hash of one event, and the verification of all of them.
//!
//! `leaf_hash = SHA-256(0x00 || RFC 8785 JSON of {aggregate_type, aggregate_id, sequence, event_type,
//! event_version, payload, metadata, recorded_at})`, as stored. The position is not in it: the leaf's index in
//! the tree is `position - 1`, so a leaf can be hashed before its position is known.

mod canonical;
mod verify;

pub(crate) use canonical::{Documents, INTEGER_MAX};
pub use verify::{BadEvent, Fault, Verified, VerifyError, verify, verify_page};

use domain::Envelope;
use sha2::{Digest, Sha256};

/// SHA-256 output.
pub type Hash = [u8; 32];

/// Domain separation of RFC 6962: a leaf can never be taken for a node.
const LEAF_PREFIX: [u8; 1] = [0];

/// An event that has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum LeafError {
    #[error("the event has no canonical JSON")]
    Json(#[from] serde_json::Error),
    #[error("the time has no canonical text")]
    Time(#[from] time::error::Format),
}

/// The leaf of an event; its `position` does not matter.
pub fn leaf_hash(event: &Envelope) -> Result<Hash, LeafError> {
    Ok(hash(&canonical(event)?))
}

/// What is hashed, for auditors: the canonical JSON of the event.
pub fn canonical(event: &Envelope) -> Result<Vec<u8>, LeafError> {
    Documents::of(event)?.event(event)
}

/// Of the canonical JSON.
pub(crate) fn hash(canonical: &[u8]) -> Hash {
    Sha256::new().chain_update(LEAF_PREFIX).chain_update(canonical).finalize().into()
}

#[cfg(test)]
mod tests;
