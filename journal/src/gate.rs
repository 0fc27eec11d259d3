//! Order among those who lost a race: within one process they queue for the stream instead of racing again.
//!
//! Nobody waits here until a race was lost. From then on newcomers for the stream queue as well, until the queue is
//! empty: so nobody can lose for ever, and a contended stream costs no vain attempts.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Streams share gates by hash; a wrong neighbour only waits a little.
const GATES: usize = 256;
/// Longest wait for a turn.
const TURN_WAIT: Duration = Duration::from_secs(10);

pub(crate) struct Gates {
    gates: Vec<Semaphore>,
    hasher: RandomState,
}

/// The right to be the only one of this process that tries; given back when dropped.
pub(crate) type Turn<'a> = SemaphorePermit<'a>;

impl Gates {
    pub fn new() -> Self {
        Self { gates: (0..GATES).map(|_| Semaphore::new(1)).collect(), hasher: RandomState::new() }
    }

    /// Somebody who lost a race for the stream has not finished yet.
    pub fn is_contended(&self, stream: &(String, String)) -> bool {
        self.gate(stream).is_some_and(|gate| gate.available_permits() == 0)
    }

    /// Waits in line; `None` when it took too long.
    pub async fn turn(&self, stream: &(String, String)) -> Option<Turn<'_>> {
        let gate = self.gate(stream)?;
        tokio::time::timeout(TURN_WAIT, gate.acquire()).await.ok()?.ok()
    }

    fn gate(&self, stream: &(String, String)) -> Option<&Semaphore> {
        let index = self.hasher.hash_one(stream) % GATES as u64;
        self.gates.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_contended_while_somebody_has_the_turn() {
        let gates = Gates::new();
        let stream = ("wallet".to_owned(), "1".to_owned());
        assert!(!gates.is_contended(&stream));
        let turn = gates.turn(&stream).await.unwrap();
        assert!(gates.is_contended(&stream));
        let next = gates.turn(&stream);
        drop(turn);
        let next = next.await.unwrap();
        assert!(gates.is_contended(&stream));
        drop(next);
        assert!(!gates.is_contended(&stream));
    }
}
