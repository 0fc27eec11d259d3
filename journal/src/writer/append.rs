//! What one command wants written, and the verdict on it.

use super::WriteError;
use super::fate::{Fate, FateSetter};
use crate::leaf::Hash;
use time::OffsetDateTime;
use tokio::sync::oneshot;

/// One row of `events`, but for the position.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: i64,
    pub event_type: String,
    pub event_version: String,
    /// JSON text.
    pub payload: String,
    /// JSON text.
    pub metadata: String,
    pub recorded_at: OffsetDateTime,
    pub leaf_hash: Hash,
}

/// One row of `claims`.
#[derive(Debug, Clone)]
pub(crate) struct ClaimRow {
    pub scope: String,
    pub key: String,
    pub owner_type: String,
    pub owner_id: String,
    pub claimed_at: OffsetDateTime,
}

/// One row of `idempotency`.
#[derive(Debug, Clone)]
pub(crate) struct AnswerRow {
    pub scope: String,
    pub key: String,
    pub fingerprint: String,
    /// JSON text.
    pub answer: String,
    pub recorded_at: OffsetDateTime,
}

/// All rows of one command: written together or not at all.
#[derive(Debug, Clone)]
pub(crate) struct Append {
    pub command_id: String,
    pub rows: Vec<EventRow>,
    pub claims: Vec<ClaimRow>,
    pub answer: Option<AnswerRow>,
    /// Roughly what it takes on the wire.
    pub bytes: usize,
}

impl Append {
    pub fn new(
        command_id: String,
        rows: Vec<EventRow>,
        claims: Vec<ClaimRow>,
        answer: Option<AnswerRow>,
    ) -> Self {
        let events: usize = rows
            .iter()
            .map(|row| row.payload.len() + row.metadata.len() + row.aggregate_id.len() + ROW_OVERHEAD_BYTES)
            .sum();
        let bytes = events
            + claims.len() * ROW_OVERHEAD_BYTES
            + answer.as_ref().map_or(0, |row| row.answer.len() + ROW_OVERHEAD_BYTES);
        Self { command_id, rows, claims, answer, bytes }
    }

    /// Rows of any table.
    pub fn row_count(&self) -> usize {
        self.rows.len() + self.claims.len() + usize::from(self.answer.is_some())
    }
}

/// Names, hash, times and array headers of a row.
const ROW_OVERHEAD_BYTES: usize = 160;

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Written; the position of its first event, if it has one.
    Appended { first: Option<i64> },
    /// An earlier attempt of the same command had written it; `same` when with the very rows that were sent now.
    Already { first: Option<i64>, same: bool },
    /// Another command extended one of its streams first.
    Conflict,
    /// Another aggregate owns the claim.
    ClaimTaken { scope: String, key: String },
    /// The idempotency key was used by another command.
    KeyUsed,
}

/// A command in the queue.
#[derive(Debug)]
pub(super) struct Job {
    pub append: Append,
    /// What it was decided upon and was not known to be written then; if one of them fails, so does this.
    pub after: Vec<Fate>,
    /// The connection's number when its states were taken.
    pub epoch: u64,
    pub fate: FateSetter,
    pub reply: oneshot::Sender<Result<Verdict, WriteError>>,
}

impl Job {
    /// Something that it was decided upon did not come about.
    pub fn is_orphaned(&self) -> bool {
        self.after.iter().any(Fate::has_failed)
    }

    /// Something that it was decided upon is still open.
    pub fn has_to_wait(&self) -> bool {
        self.after.iter().any(Fate::is_open)
    }

    /// Answers the caller, who may have gone away.
    pub fn answer(self, verdict: Result<Verdict, WriteError>) {
        // What an earlier attempt wrote at another time need not be what was decided upon now.
        self.fate.set(matches!(verdict, Ok(Verdict::Appended { .. } | Verdict::Already { same: true, .. })));
        if self.reply.send(verdict).is_err() {
            tracing::debug!(command.id = %self.append.command_id, "nobody waits for the verdict any more");
        }
    }
}
