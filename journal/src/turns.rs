//! Order among the commands of one process: per stream, one at a time loads, decides and queues its events.
//!
//! So two of them never decide upon the same state, and none loses a race to its own process. The turn ends before
//! the flush: whoever is next decides upon what is still on its way (see `writer/fate.rs`). Where that state was not
//! kept it has to be read, and so the turn remembers whom to wait for before that.

use crate::writer::Fate;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// Streams share turns by hash; a wrong neighbour only waits a little.
const TURNS: u64 = 4_096;
/// Longest wait for a turn; the stream's commands then pile up faster than they are done.
const TURN_WAIT: Duration = Duration::from_secs(10);

pub(crate) struct Turns {
    /// Each holds the last append of its streams.
    turns: Vec<Mutex<Option<Fate>>>,
    hasher: RandomState,
}

/// The right to be the only one of this process that decides for some streams; given back when dropped.
pub(crate) struct Turn<'a>(Vec<MutexGuard<'a, Option<Fate>>>);

impl Turns {
    pub fn new() -> Self {
        Self { turns: (0..TURNS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// Waits in line for all of the streams; `None` when it took too long.
    pub async fn take(&self, streams: &[(String, String)]) -> Option<Turn<'_>> {
        // Everybody takes them in the same order, so nobody waits in a circle.
        let wanted: BTreeSet<u64> =
            streams.iter().map(|stream| self.hasher.hash_one(stream) % TURNS).collect();
        let line = async {
            let mut guards = Vec::with_capacity(wanted.len());
            for index in wanted {
                guards.push(self.turns.get(usize::try_from(index).ok()?)?.lock().await);
            }
            Some(Turn(guards))
        };
        tokio::time::timeout(TURN_WAIT, line).await.ok()?
    }
}

impl Turn<'_> {
    /// Appends of these streams that are on their way.
    pub fn on_their_way(&self) -> Vec<Fate> {
        self.0.iter().filter_map(|last| last.as_ref().filter(|fate| fate.is_open())).cloned().collect()
    }

    /// Gives the turn back, and leaves behind what was appended in it.
    pub fn end_with(mut self, fate: &Fate) {
        for last in &mut self.0 {
            **last = Some(fate.clone());
        }
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
    async fn whoever_is_next_hears_of_what_is_on_its_way() {
        let turns = Turns::new();
        let (fate, setter) = Fate::new();
        turns.take(&[stream("1"), stream("2")]).await.unwrap().end_with(&fate);
        let waits_for = async || turns.take(&[stream("2")]).await.unwrap().on_their_way().len();
        assert_eq!(waits_for().await, 1);
        setter.set(true);
        assert_eq!(waits_for().await, 0);
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
