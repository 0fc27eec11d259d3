//! How often and how patiently a failed step is tried again.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Policy {
    /// Pause after the first failure; doubles, with jitter.
    pub first: Duration,
    pub longest: Duration,
    /// After this many attempts the step goes to the operators.
    pub attempts_max: i32,
    /// Events of one flow that are handled at the same time.
    pub concurrency: usize,
    /// How often a flow compares itself with the journal.
    pub self_check: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_mins(15),
            // With these pauses about two hours.
            attempts_max: 18,
            concurrency: 16,
            self_check: Duration::from_secs(15),
        }
    }
}

impl Policy {
    /// The pause before the next attempt: at least what the provider asked for, unless that is unreasonable.
    pub fn delay(&self, attempts: i32, asked: Option<Duration>) -> Duration {
        // Beyond this the longest pause is long reached, and the iterator need not be walked.
        let times = usize::try_from(attempts).unwrap_or(1).min(64);
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_jitter()
            .without_max_times()
            .build()
            .nth(times.saturating_sub(1));
        backoff.unwrap_or(self.longest).max(asked.unwrap_or_default()).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_heed_the_provider_and_stay_bounded() {
        let policy = Policy::default();
        assert!(policy.delay(1, None) >= policy.first);
        assert!(policy.delay(6, None) > policy.delay(1, None));
        assert!(policy.delay(1, Some(Duration::from_mins(1))) >= Duration::from_mins(1));
        assert_eq!(policy.delay(1, Some(Duration::from_secs(1_000_000))), policy.longest);
        assert!(policy.delay(i32::MAX, None) <= policy.longest);
    }
}
