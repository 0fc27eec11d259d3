//! Points that this process has taken from the shared counter in advance. What it does not use is lost to the others
//! at the end of the window; a block is small beside the limit.

use journal::tables::rate_limits::Key;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;

/// Callers remembered at once; beyond, those whose window has ended are forgotten, then everybody.
const CALLERS_MAX: usize = 20_000;

/// What is in store for one caller. Requests that come together each fetch a block; all of them are kept.
struct Store {
    /// First and last use, both included.
    ranges: Vec<(u32, u32)>,
    ends_at: OffsetDateTime,
}

#[derive(Default)]
pub(super) struct Prepaid(Mutex<HashMap<Key, Store>>);

impl Prepaid {
    /// The number of this use in its window, if there is one in store.
    pub(super) fn take(&self, key: Key, now: OffsetDateTime) -> Option<(u32, OffsetDateTime)> {
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let store = stores.get_mut(&key).filter(|store| now < store.ends_at)?;
        let (used, last) = store.ranges.pop()?;
        if used < last {
            store.ranges.push((used + 1, last));
        }
        Some((used, store.ends_at))
    }

    /// Keeps all of a block but its first, which is used at once.
    pub(super) fn keep(&self, key: Key, first: u32, size: u32, ends_at: OffsetDateTime, now: OffsetDateTime) {
        let mut stores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stores.len() >= CALLERS_MAX {
            stores.retain(|_, store| now < store.ends_at);
        }
        if stores.len() >= CALLERS_MAX {
            stores.clear();
        }
        let store = stores.entry(key).or_insert_with(|| Store { ranges: Vec::new(), ends_at });
        if store.ends_at != ends_at {
            *store = Store { ranges: Vec::new(), ends_at };
        }
        store.ranges.push((first + 1, first + size - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-27 12:00 UTC);
    const END: OffsetDateTime = datetime!(2026-11-27 12:01 UTC);

    #[test]
    fn a_block_is_used_up_and_ends_with_its_window() {
        let prepaid = Prepaid::default();
        assert_eq!(prepaid.take([1; 16], NOW), None);
        prepaid.keep([1; 16], 21, 3, END, NOW);
        assert_eq!(prepaid.take([1; 16], NOW), Some((22, END)));
        assert_eq!(prepaid.take([1; 16], END), None);
        assert_eq!(prepaid.take([1; 16], END - Duration::SECOND), Some((23, END)));
        assert_eq!(prepaid.take([1; 16], NOW), None);
        assert_eq!(prepaid.take([2; 16], NOW), None);
    }

    #[test]
    fn blocks_that_come_together_are_all_kept() {
        let prepaid = Prepaid::default();
        prepaid.keep([1; 16], 1, 2, END, NOW);
        prepaid.keep([1; 16], 3, 2, END, NOW);
        let mut used = [prepaid.take([1; 16], NOW), prepaid.take([1; 16], NOW)];
        used.sort_unstable();
        assert_eq!(used, [Some((2, END)), Some((4, END))]);
        assert_eq!(prepaid.take([1; 16], NOW), None);
        // The next window begins with nothing of the last.
        prepaid.keep([1; 16], 1, 3, END, NOW);
        prepaid.keep([1; 16], 1, 2, END + Duration::MINUTE, END);
        assert_eq!(prepaid.take([1; 16], END), Some((2, END + Duration::MINUTE)));
        assert_eq!(prepaid.take([1; 16], END), None);
    }

    #[test]
    fn many_callers_do_not_fill_the_memory() {
        let prepaid = Prepaid::default();
        for n in 0..u32::try_from(CALLERS_MAX).unwrap() * 2 + 5 {
            let mut key = [0; 16];
            key[..4].copy_from_slice(&n.to_be_bytes());
            prepaid.keep(key, 1, 3, END, NOW);
        }
        assert!(prepaid.0.lock().unwrap().len() <= CALLERS_MAX);
    }
}
