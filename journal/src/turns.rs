//! Order among the commands of one process: per stream, one at a time loads, decides and queues its events.
//!
//! So two of them never decide upon the same state, and none loses a race to its own process. The turn ends before
//! the flush: whoever is next decides upon what is still on its way (see `writer/fate.rs`).

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Streams share turns by hash; a wrong neighbour only waits a little.
const TURNS: u64 = 4_096;
/// Longest wait for a turn; the stream's commands then pile up faster than they are done.
const TURN_WAIT: Duration = Duration::from_secs(10);

pub(crate) struct Turns {
    turns: Vec<Semaphore>,
    hasher: RandomState,
}

/// The right to be the only one of this process that decides for some streams; given back when dropped.
pub(crate) struct Turn<'a>(#[expect(dead_code, reason = "held, never looked at")] Vec<SemaphorePermit<'a>>);

impl Turns {
    pub fn new() -> Self {
        Self { turns: (0..TURNS).map(|_| Semaphore::new(1)).collect(), hasher: RandomState::new() }
    }

    /// Waits in line for all of the streams; `None` when it took too long.
    pub async fn take(&self, streams: &[(String, String)]) -> Option<Turn<'_>> {
        // Everybody takes them in the same order, so nobody waits in a circle.
        let wanted: BTreeSet<u64> =
            streams.iter().map(|stream| self.hasher.hash_one(stream) % TURNS).collect();
        let line = async {
            let mut permits = Vec::with_capacity(wanted.len());
            for index in wanted {
                permits.push(self.turns.get(usize::try_from(index).ok()?)?.acquire().await.ok()?);
            }
            Some(Turn(permits))
        };
        tokio::time::timeout(TURN_WAIT, line).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn stream(id: &str) -> (String, String) {
        ("wallet".to_owned(), id.to_owned())
    }

    #[tokio::test]
    async fn a_stream_has_one_turn_at_a_time() {
        let turns = Turns::new();
        let turn = turns.take(&[stream("1")]).await.unwrap();
        let streams = [stream("1")];
        let mut next = Box::pin(turns.take(&streams));
        assert!(next.as_mut().now_or_never().is_none(), "two have the turn");
        drop(turn);
        assert!(next.await.is_some());
    }

    #[tokio::test]
    async fn streams_taken_in_any_order_do_not_wait_in_a_circle() {
        let turns = Turns::new();
        let (one, two) = ([stream("1"), stream("2")], [stream("2"), stream("1"), stream("2")]);
        for _ in 0..100 {
            let both = [&one[..], &two[..]].map(|streams| async { turns.take(streams).await.map(drop) });
            assert!(futures::future::join_all(both).await.iter().all(Option::is_some));
        }
    }
}
