//! What the relay is doing, for health checks and metrics.

use super::RelayError;
use std::error::Error;
use std::time::Instant;
use tokio::sync::watch;

/// What the relay of this process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Another process is the relay, or the database is away.
    Waiting,
    Connecting,
    /// The stream takes events, or would if there were any.
    Publishing,
    /// The last session failed; it will try again.
    Interrupted,
}

/// A view of the relay.
#[derive(Debug, Clone)]
pub struct StatusReader(watch::Receiver<Snapshot>);

/// The relay's own end.
#[derive(Debug)]
pub struct Status(watch::Sender<Snapshot>);

/// The relay at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub activity: Activity,
    /// Since when.
    pub since: Instant,
    /// Everything up to here is in the stream.
    pub position: i64,
    /// Acknowledged events since the start of the process, repeats included.
    pub published: u64,
    /// Sessions that failed.
    pub failures: u64,
    /// The last failure with its causes; stays when things are well again.
    pub last_error: Option<String>,
}

/// Both ends of a new status.
pub fn status() -> (Status, StatusReader) {
    let (sender, receiver) = watch::channel(Snapshot {
        activity: Activity::Waiting,
        since: Instant::now(),
        position: 0,
        published: 0,
        failures: 0,
        last_error: None,
    });
    (Status(sender), StatusReader(receiver))
}

impl StatusReader {
    pub fn get(&self) -> Snapshot {
        self.0.borrow().clone()
    }
}

impl Status {
    pub(super) fn connecting(&self) {
        self.0.send_modify(|snapshot| {
            // Still interrupted until the stream is seen: health must not flicker at each try.
            if snapshot.activity == Activity::Waiting {
                snapshot.activity = Activity::Connecting;
                snapshot.since = Instant::now();
            }
        });
    }

    pub(super) fn publishing(&self, position: i64) {
        self.0.send_modify(|snapshot| {
            snapshot.activity = Activity::Publishing;
            snapshot.since = Instant::now();
            snapshot.position = position;
        });
    }

    pub(super) fn acknowledged(&self, position: i64) {
        self.0.send_modify(|snapshot| {
            snapshot.published += u64::try_from(position - snapshot.position).unwrap_or(0);
            snapshot.position = position;
        });
    }

    pub(super) fn failed(&self, error: &RelayError) {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.0.send_modify(|snapshot| {
            if snapshot.activity != Activity::Interrupted {
                snapshot.since = Instant::now();
            }
            snapshot.activity = Activity::Interrupted;
            snapshot.failures += 1;
            snapshot.last_error = Some(text);
        });
    }

    pub(super) fn published(&self) -> u64 {
        self.0.borrow().published
    }
}
