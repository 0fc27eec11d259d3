//! Counters for metrics; cheap enough for the hot path.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(super) struct Stats {
    pub batches: AtomicU64,
    pub commands: AtomicU64,
    pub events: AtomicU64,
    pub largest_batch: AtomicU64,
    pub conflicts: AtomicU64,
    pub claims_taken: AtomicU64,
    pub checked: AtomicU64,
    pub already: AtomicU64,
    pub splits: AtomicU64,
    pub refused: AtomicU64,
    pub transient: AtomicU64,
    pub lost: AtomicU64,
    pub connects: AtomicU64,
    pub commit_micros: AtomicU64,
}

/// The counters at one moment, since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Commands that wait for the writer now.
    pub queue_depth: usize,
    /// Calls that committed.
    pub batches: u64,
    /// Commands that got a verdict.
    pub commands: u64,
    pub events: u64,
    /// Most commands in one call.
    pub largest_batch: u64,
    /// Commands that lost the race for their stream.
    pub conflicts: u64,
    pub claims_taken: u64,
    /// Calls of the checking form.
    pub checked: u64,
    /// Commands that an earlier attempt had committed.
    pub already: u64,
    /// Batches that were halved because a row could not be placed.
    pub splits: u64,
    pub refused: u64,
    /// Calls repeated because of a passing error.
    pub transient: u64,
    /// Connections lost during a call.
    pub lost: u64,
    pub connects: u64,
    /// Time spent in calls that committed, in microseconds.
    pub commit_micros: u64,
}

impl Stats {
    pub fn add(counter: &AtomicU64, by: usize) {
        counter.fetch_add(by as u64, Relaxed);
    }

    /// Counts the connections that followed a lost one.
    pub fn epoch(&self) -> u64 {
        self.connects.load(Relaxed).saturating_sub(1)
    }

    pub fn snapshot(&self, queue_depth: usize) -> Snapshot {
        Snapshot {
            queue_depth,
            batches: self.batches.load(Relaxed),
            commands: self.commands.load(Relaxed),
            events: self.events.load(Relaxed),
            largest_batch: self.largest_batch.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            claims_taken: self.claims_taken.load(Relaxed),
            checked: self.checked.load(Relaxed),
            already: self.already.load(Relaxed),
            splits: self.splits.load(Relaxed),
            refused: self.refused.load(Relaxed),
            transient: self.transient.load(Relaxed),
            lost: self.lost.load(Relaxed),
            connects: self.connects.load(Relaxed),
            commit_micros: self.commit_micros.load(Relaxed),
        }
    }
}
