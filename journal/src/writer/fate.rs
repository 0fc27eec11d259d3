//! What becomes of an append, for those who decide upon it before it is known.
//!
//! Commands on one aggregate need not wait for each other's flush: the next is decided on the state that the one
//! before will leave behind. So it must fail with it, and the writer sees to that: the database would not notice an
//! event that was decided upon one that never came.

use std::sync::Arc;
use tokio::sync::SetOnce;

/// Open at first; then, for ever, whether the events stand as they were decided.
#[derive(Debug, Clone)]
pub(crate) struct Fate(Arc<SetOnce<bool>>);

/// The end that decides; dropped undecided, it decides for failure, so that nobody waits for ever.
#[derive(Debug)]
pub(crate) struct FateSetter(Fate);

impl Fate {
    pub fn new() -> (Self, FateSetter) {
        let fate = Self(Arc::new(SetOnce::new()));
        (fate.clone(), FateSetter(fate))
    }

    pub fn is_open(&self) -> bool {
        self.0.get().is_none()
    }

    pub fn has_failed(&self) -> bool {
        self.0.get() == Some(&false)
    }

    /// The events stand. Not the opposite of having failed: until either is known, both are false.
    pub fn stands(&self) -> bool {
        self.0.get() == Some(&true)
    }

    /// Whether the events stand.
    pub async fn known(&self) -> bool {
        *self.0.wait().await
    }

    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl FateSetter {
    pub fn fate(&self) -> &Fate {
        &self.0
    }

    pub fn set(&self, written: bool) {
        // The first word counts; the one from `drop` comes too late on purpose.
        self.0.0.set(written).ok();
    }
}

impl Drop for FateSetter {
    fn drop(&mut self) {
        self.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_word_counts() {
        let (fate, setter) = Fate::new();
        assert!(fate.is_open() && !fate.stands());
        setter.set(true);
        drop(setter);
        assert!(fate.known().await && fate.stands() && !fate.has_failed());
    }

    #[tokio::test]
    async fn whoever_is_forgotten_has_failed() {
        let (fate, setter) = Fate::new();
        let waiter = fate.clone();
        let waiting = async move { waiter.known().await };
        drop(setter);
        assert!(!waiting.await && fate.has_failed());
    }
}
