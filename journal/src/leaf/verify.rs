//! Recomputes every leaf from what is stored.

use super::{Hash, LeafError, leaf_hash};
use crate::read::{ReadError, StoredEvent, stored_page};
use sqlx::PgPool;

/// Events verified between two reports of progress.
const PAGE_EVENTS: i64 = 1_000;
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// What is wrong at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The row differs from what was hashed when it was appended.
    Altered { expected: Hash, stored: Hash },
    /// No row where one must be.
    Missing,
    /// The row cannot be brought into its canonical form any more.
    Unreadable,
}

/// The first position that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEvent {
    pub position: i64,
    pub fault: Fault,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Events whose hash is right.
    pub events: u64,
    /// The last position looked at.
    pub up_to: i64,
    pub bad: Option<BadEvent>,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the hashing task ended early")]
    Hashing(#[from] tokio::task::JoinError),
}

/// Verifies every event after `from` up to the head; `progress` gets each position that a page reached.
///
/// Stops at the first bad position. The next page is read while one is hashed.
pub async fn verify(pool: &PgPool, from: i64, progress: impl Fn(i64)) -> Result<Verified, VerifyError> {
    let mut result = Verified { events: 0, up_to: from, bad: None };
    let mut page = next(pool, from).await?;
    loop {
        let events = match page {
            Ok(events) if events.is_empty() => return Ok(result),
            Ok(events) => events,
            Err(bad) => {
                result.bad = Some(bad);
                return Ok(result);
            }
        };
        let last = events.last().map_or(result.up_to, |event| event.envelope.position);
        let count = events.len() as u64;
        let hashing = tokio::task::spawn_blocking(move || verify_page(&events));
        let following = next(pool, last).await?;
        if let Some(bad) = hashing.await? {
            result.events += u64::try_from(bad.position - result.up_to - 1).unwrap_or(0);
            result.up_to = bad.position;
            result.bad = Some(bad);
            return Ok(result);
        }
        result.events += count;
        result.up_to = last;
        progress(last);
        page = following;
    }
}

/// The first event of a page whose stored hash is not the one of its content.
pub fn verify_page(events: &[StoredEvent]) -> Option<BadEvent> {
    events.iter().find_map(|event| {
        let fault = match leaf_hash(&event.envelope) {
            Ok(expected) if expected == event.leaf_hash => return None,
            Ok(expected) => Fault::Altered { expected, stored: event.leaf_hash },
            Err(LeafError::Json(_) | LeafError::Time(_)) => Fault::Unreadable,
        };
        Some(BadEvent { position: event.envelope.position, fault })
    })
}

/// The next page; a gap is a finding, not a failure.
async fn next(pool: &PgPool, after: i64) -> Result<Result<Vec<StoredEvent>, BadEvent>, ReadError> {
    match stored_page(pool, after, PAGE_EVENTS, PAGE_BYTES).await {
        Ok(events) => Ok(Ok(events)),
        Err(ReadError::Gap { expected, .. }) => {
            Ok(Err(BadEvent { position: expected, fault: Fault::Missing }))
        }
        Err(error) => Err(error),
    }
}
