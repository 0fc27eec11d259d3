//! Folded states of this process, so that a command need not load its stream again.
//!
//! A state is only ever a guess: another process may have extended the stream. It is safe because whatever is
//! decided upon it is checked by the append (the sequence is a part of the primary key; behind a new connection, where
//! the database may be an older one, by the form with checks), and because what the append
//! cannot check, a refusal or a stream that gets no event, is decided again on a fresh state (see `commands.rs`).
//!
//! Bounded by bytes, never persisted, so that no release meets the states of another one.

use crate::load::Loaded;
use crate::writer::Fate;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// Enough for tens of thousands of streams.
const BYTES_DEFAULT: u64 = 32 * 1024 * 1024;
/// A key, a slot and their places in the cache, beside the state itself.
const SLOT_BYTES: u64 = 256;
const STREAM_BYTES_TYPICAL: u64 = 2_048;
/// However long its stream is, a state is not taken to be larger: the cache would not take one that fills a good part
/// of it, and those are the busiest.
const STATE_BYTES_MAX: u64 = 64 * 1024;

/// How much folded state a process may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateCache {
    /// At most this many bytes, estimated from the events that were folded; 0 switches the cache off.
    pub bytes: u64,
}

impl Default for StateCache {
    fn default() -> Self {
        Self { bytes: BYTES_DEFAULT }
    }
}

impl StateCache {
    /// Every command loads its stream.
    pub const OFF: Self = Self { bytes: 0 };
}

/// Type and id of an aggregate.
pub(crate) type Key = (&'static str, String);

/// A state, and what it rests upon.
pub(crate) struct Held<A> {
    pub loaded: Loaded<A>,
    /// The append that brings its last event, while that is not known to be written.
    pub upon: Option<Fate>,
}

/// A state without its type.
struct Kept {
    state: Box<dyn Any + Send + Sync>,
    sequence: i64,
    bytes: u64,
    upon: Option<Fate>,
    /// Of the writer's connection, when the state was taken or loaded.
    epoch: u64,
}

/// Empty while a command works on it, so that no state is copied.
#[derive(Clone)]
struct Slot {
    kept: Arc<Mutex<Option<Kept>>>,
    bytes: u64,
}

#[derive(Clone)]
struct SlotBytes;

impl Weighter<Key, Slot> for SlotBytes {
    fn weight(&self, key: &Key, slot: &Slot) -> u64 {
        SLOT_BYTES + key.1.len() as u64 + slot.bytes
    }
}

/// The states of one process.
pub(crate) struct States(Option<Cache<Key, Slot, SlotBytes>>);

impl States {
    pub fn new(options: StateCache) -> Self {
        let streams = usize::try_from(options.bytes / STREAM_BYTES_TYPICAL).unwrap_or(usize::MAX).max(8);
        Self((options.bytes > 0).then(|| Cache::with_weighter(streams, options.bytes, SlotBytes)))
    }

    /// Takes a state out; only for who has the stream's turn. One that rests upon a failed append, or is of an earlier
    /// connection, is forgotten.
    pub fn take<A: Send + Sync + 'static>(&self, key: &Key, epoch: u64) -> Option<Held<A>> {
        let slot = self.0.as_ref()?.get(key)?;
        let kept = slot.kept.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if kept.epoch != epoch || kept.upon.as_ref().is_some_and(Fate::has_failed) {
            return None;
        }
        let state = *kept.state.downcast::<A>().ok()?;
        let loaded = Loaded { state, sequence: kept.sequence, bytes: kept.bytes };
        // It may have failed since the look above: then the writer must hear of it.
        Some(Held { loaded, upon: kept.upon.filter(|fate| !fate.stands()) })
    }

    /// Keeps a state for the next command.
    pub fn keep<A: Send + Sync + 'static>(&self, key: Key, held: Held<A>, epoch: u64) {
        let Some(cache) = &self.0 else { return };
        let Loaded { state, sequence, bytes } = held.loaded;
        let bytes = bytes.min(STATE_BYTES_MAX);
        let kept = Kept { state: Box::new(state), sequence, bytes, upon: held.upon, epoch };
        cache.insert(key, Slot { kept: Arc::new(Mutex::new(Some(kept))), bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u32) -> Key {
        ("wallet", id.to_string())
    }

    fn held(state: u32, bytes: u64) -> Held<u32> {
        Held { loaded: Loaded { state, sequence: 1, bytes }, upon: None }
    }

    #[test]
    fn a_state_is_taken_by_one_and_comes_back() {
        let states = States::new(StateCache::default());
        assert!(states.take::<u32>(&key(1), 0).is_none());
        states.keep(key(1), held(7, 100), 0);
        assert_eq!(states.take::<u32>(&key(1), 0).unwrap().loaded.state, 7);
        assert!(states.take::<u32>(&key(1), 0).is_none(), "two work on one state");
    }

    #[test]
    fn what_rests_upon_a_failed_append_is_forgotten() {
        let states = States::new(StateCache::default());
        let (fate, setter) = Fate::new();
        states.keep(key(1), Held { upon: Some(fate), ..held(7, 100) }, 0);
        drop(setter);
        assert!(states.take::<u32>(&key(1), 0).is_none());
    }

    #[test]
    fn states_take_no_more_than_their_bytes() {
        let states = States::new(StateCache { bytes: 100_000 });
        for id in 0..1_000 {
            states.keep(key(id), held(id, 1_000), 0);
        }
        let kept = (0..1_000).filter(|id| states.take::<u32>(&key(*id), 0).is_some()).count();
        assert!((1..=100).contains(&kept), "{kept} states of 1,000 bytes in 100,000");
    }

    #[test]
    fn switched_off_nothing_is_kept() {
        let states = States::new(StateCache::OFF);
        states.keep(key(1), held(7, 100), 0);
        assert!(states.0.is_none() && states.take::<u32>(&key(1), 0).is_none());
    }

    #[test]
    fn a_state_of_an_earlier_connection_is_forgotten() {
        let states = States::new(StateCache::default());
        states.keep(key(1), held(7, 100), 0);
        assert!(states.take::<u32>(&key(1), 1).is_none());
    }
}
