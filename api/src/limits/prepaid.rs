//! Points that this process has taken from the shared counter in advance. What it does not use is lost to the others
//! at the end of the window; a block is small beside the limit.

use journal::tables::rate_limits::Key;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;

/// Callers remembered at once; beyond, those whose window has ended are forgotten, then everybody.
const CALLERS_MAX: usize = 20_000;

struct Block {
    next: u32,
    last: u32,
    ends_at: OffsetDateTime,
}

#[derive(Default)]
pub(super) struct Prepaid(Mutex<HashMap<Key, Block>>);

impl Prepaid {
    /// The number of this use in its window, if there is one in store.
    pub(super) fn take(&self, key: Key, now: OffsetDateTime) -> Option<(u32, OffsetDateTime)> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let block = blocks.get_mut(&key).filter(|block| now < block.ends_at && block.next <= block.last)?;
        let used = block.next;
        block.next += 1;
        Some((used, block.ends_at))
    }

    /// Keeps all of a block but its first, which is used at once.
    pub(super) fn keep(&self, key: Key, first: u32, size: u32, ends_at: OffsetDateTime, now: OffsetDateTime) {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.len() >= CALLERS_MAX {
            blocks.retain(|_, block| now < block.ends_at);
        }
        if blocks.len() >= CALLERS_MAX {
            blocks.clear();
        }
        blocks.insert(key, Block { next: first + 1, last: first + size - 1, ends_at });
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
