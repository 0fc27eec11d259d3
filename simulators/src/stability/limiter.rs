//! 150 requests in 10 seconds; the next one locks the key for a minute.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const REQUESTS_MAX: usize = 150;
const WINDOW: Duration = Duration::from_secs(10);
const LOCK: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(crate) struct Limiter {
    recent: VecDeque<Instant>,
    locked_until: Option<Instant>,
}

impl Limiter {
    /// Whether a request at this moment is let in.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        if self.locked_until.is_some_and(|until| now < until) {
            return false;
        }
        while self.recent.front().is_some_and(|oldest| now.duration_since(*oldest) >= WINDOW) {
            self.recent.pop_front();
        }
        if self.recent.len() >= REQUESTS_MAX {
            self.recent.clear();
            self.locked_until = Some(now + LOCK);
            return false;
        }
        self.recent.push_back(now);
        true
    }

    /// Lifts the lock and forgets the window.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_too_many_locks_for_a_minute() {
        let (mut limiter, start) = (Limiter::default(), Instant::now());
        for _ in 0..150 {
            assert!(limiter.admit(start));
        }
        assert!(!limiter.admit(start + Duration::from_secs(9)));
        assert!(!limiter.admit(start + Duration::from_secs(68)));
        assert!(limiter.admit(start + Duration::from_secs(69)));
    }

    #[test]
    fn a_steady_pace_is_never_locked() {
        let (mut limiter, start) = (Limiter::default(), Instant::now());
        for step in 0..1_000 {
            assert!(limiter.admit(start + Duration::from_millis(70) * step));
        }
    }
}
