//! What a process knows of itself; the JSON of its operators' port.

use journal::relay::{self, StatusReader};
use serde::{Deserialize, Serialize};

/// One process of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Absent when it does not have that role.
    pub relay: Option<Relay>,
    pub writer: Writer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activity {
    Waiting,
    Connecting,
    Publishing,
    Interrupted,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    pub activity: Activity,
    pub since_seconds: u64,
    pub position: i64,
    pub published: u64,
    pub failures: u64,
    pub last_error: Option<String>,
}

/// Counters since the start of the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Writer {
    pub queue_depth: usize,
    pub batches: u64,
    pub largest_batch: u64,
    pub commands: u64,
    pub events: u64,
    pub conflicts: u64,
    pub splits: u64,
    pub refused: u64,
    pub retried: u64,
    pub lost_connections: u64,
    pub commit_micros: u64,
}

impl Process {
    pub fn of(writer: &journal::writer::Writer, relay: Option<&StatusReader>) -> Self {
        Self { relay: relay.map(|reader| Relay::of(reader.get())), writer: Writer::of(writer) }
    }
}

impl Relay {
    fn of(seen: relay::Snapshot) -> Self {
        Self {
            activity: match seen.activity {
                relay::Activity::Waiting => Activity::Waiting,
                relay::Activity::Connecting => Activity::Connecting,
                relay::Activity::Publishing => Activity::Publishing,
                relay::Activity::Interrupted => Activity::Interrupted,
            },
            since_seconds: seen.since.elapsed().as_secs(),
            position: seen.position,
            published: seen.published,
            failures: seen.failures,
            last_error: seen.last_error,
        }
    }
}

impl Writer {
    fn of(writer: &journal::writer::Writer) -> Self {
        let seen = writer.stats();
        Self {
            queue_depth: seen.queue_depth,
            batches: seen.batches,
            largest_batch: seen.largest_batch,
            commands: seen.commands,
            events: seen.events,
            conflicts: seen.conflicts,
            splits: seen.splits,
            refused: seen.refused,
            retried: seen.transient,
            lost_connections: seen.lost,
            commit_micros: seen.commit_micros,
        }
    }
}
