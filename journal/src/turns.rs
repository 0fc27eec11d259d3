//! Order among the commands of one process: per stream, one at a time loads, decides and queues its events.
//!
//! So two of them never decide upon the same state, and none loses a race to its own process. The turn ends before
//! the flush: whoever is next decides upon what is still on its way (see `writer/fate.rs`). Where that state was not
//! kept it has to be read, and so the turn remembers whom to wait for before that.

use crate::writer::Fate;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// Streams share turns by hash; a wrong neighbour only waits a little.
const TURNS: u64 = 4_096;
/// Longest wait for a turn; the stream's commands then pile up faster than they are done.
const TURN_WAIT: Duration = Duration::from_secs(10);

pub(crate) struct Turns {
    turns: Vec<Mutex<Pending>>,
    hasher: RandomState,
}

/// Appends of streams that share a turn, by the streams' hashes; those that are known are forgotten.
type Pending = Vec<(u64, Fate)>;

/// The right to be the only one of this process that decides for some streams; given back when dropped.
pub(crate) struct Turn<'a>(Vec<Part<'a>>);

/// A turn with those of the streams that it stands for.
struct Part<'a> {
    pending: MutexGuard<'a, Pending>,
    streams: Vec<u64>,
}

impl Turns {
    pub fn new() -> Self {
        Self { turns: (0..TURNS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// Waits in line for all of the streams; `None` when it took too long.
    pub async fn take(&self, streams: &[(String, String)]) -> Option<Turn<'_>> {
        // Everybody takes them in the same order, so nobody waits in a circle.
        let mut wanted: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for hash in streams.iter().map(|stream| self.hasher.hash_one(stream)) {
            wanted.entry(hash % TURNS).or_default().push(hash);
        }
        let line = async {
            let mut parts = Vec::with_capacity(wanted.len());
            for (index, streams) in wanted {
                let pending = self.turns.get(usize::try_from(index).ok()?)?.lock().await;
                parts.push(Part { pending, streams });
            }
            Some(Turn(parts))
        };
        tokio::time::timeout(TURN_WAIT, line).await.ok()?
    }
}

impl Turn<'_> {
    /// Appends of these streams that are on their way.
    pub fn on_their_way(&self) -> Vec<Fate> {
        let of_part = |part: &Part<'_>| {
            let ours = part.pending.iter().filter(|(stream, _)| part.streams.contains(stream));
            ours.map(|(_, fate)| fate.clone()).filter(Fate::is_open).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_part).collect()
    }

    /// Gives the turn back, and leaves behind what was appended in it.
    pub fn end_with(mut self, fate: &Fate) {
        for Part { pending, streams } in &mut self.0 {
            pending.retain(|(_, fate)| fate.is_open());
            pending.extend(streams.iter().map(|stream| (*stream, fate.clone())));
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
        let waits_for = async |id: String| turns.take(&[stream(&id)]).await.unwrap().on_their_way().len();
        assert_eq!((waits_for("1".to_owned()).await, waits_for("2".to_owned()).await), (1, 1));
        let strangers = futures::future::join_all((3..9_000).map(|id| waits_for(id.to_string())));
        assert_eq!(strangers.await.iter().sum::<usize>(), 0, "a neighbour waits");
        setter.set(true);
        assert_eq!(waits_for("2".to_owned()).await, 0);
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
