//! Reading the journal: pages by position, streams, and look-ups of what was committed beside the events.
//!
//! | file | what it answers |
//! |---|---|
//! | `page.rs` | what came after a position; a gap is an error, never skipped |
//! | `history.rs` | streams, correlations, a point in time |
//! | `lookup.rs` | who owns a claim, what a key was answered |
//! | `wake.rs` | when there is something new |

mod history;
mod lookup;
mod page;
mod wake;

pub use history::{
    by_correlation, event, events, history, last_position, position_at, stream, stream_of_types,
};
pub use lookup::{ClaimOwner, StoredAnswer, answer, claim_owner, delete_answers_before, last_claim_key};
pub(crate) use page::page_of;
pub use page::{StoredEvent, contiguous, head, page, range, stored_page};
pub use wake::Wake;

use domain::Envelope;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;

/// Most events that one look-up by stream or correlation answers.
pub const HISTORY_EVENTS_MAX: i64 = 10_000;

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The order is broken: the reader must stop, loudly. `found` is 0 where nothing is.
    #[error("the journal has a gap: expected position {expected}, found {found}")]
    Gap { expected: i64, found: i64 },
    #[error("more than {HISTORY_EVENTS_MAX} events")]
    TooMany,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// The columns of an [`Envelope`], for SELECT.
macro_rules! columns {
    () => {
        "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at"
    };
}
use columns;

fn envelope(row: &PgRow) -> Result<Envelope, sqlx::Error> {
    let Json(metadata) = row.try_get("metadata")?;
    Ok(Envelope {
        position: row.try_get("position")?,
        aggregate_type: row.try_get("aggregate_type")?,
        aggregate_id: row.try_get("aggregate_id")?,
        sequence: row.try_get("sequence")?,
        event_type: row.try_get("event_type")?,
        event_version: row.try_get("event_version")?,
        payload: row.try_get("payload")?,
        metadata,
        recorded_at: row.try_get("recorded_at")?,
    })
}

fn envelopes(rows: &[PgRow]) -> Result<Vec<Envelope>, ReadError> {
    not_too_many(rows, envelope)
}

fn not_too_many<T>(
    rows: &[PgRow],
    decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, ReadError> {
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > HISTORY_EVENTS_MAX {
        return Err(ReadError::TooMany);
    }
    Ok(rows.iter().map(decode).collect::<Result<_, _>>()?)
}
