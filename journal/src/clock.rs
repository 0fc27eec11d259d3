//! The one place that asks for the time. Runners and state hold a [`Clock`]; tests move a manual one by hand.

use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

/// Gives UTC times, truncated to the microseconds that the database keeps.
#[derive(Clone, Debug, Default)]
pub struct Clock(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    System,
    Manual(Arc<watch::Sender<OffsetDateTime>>),
}

impl Clock {
    pub fn system() -> Self {
        Self(Kind::System)
    }

    /// A clock that stands still until it is moved; clones share the time.
    pub fn manual(now: OffsetDateTime) -> Self {
        Self(Kind::Manual(Arc::new(watch::Sender::new(now))))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    pub fn now(&self) -> OffsetDateTime {
        let now = match &self.0 {
            Kind::System => OffsetDateTime::now_utc(),
            Kind::Manual(time) => time.borrow().to_offset(time::UtcOffset::UTC),
        };
        truncated(now)
    }

    /// Moves a manual clock; a system clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Kind::Manual(time) = &self.0 {
            time.send_modify(|now| *now += by);
        }
    }

    /// Sets a manual clock; a system clock stays as it is.
    pub fn set(&self, to: OffsetDateTime) {
        if let Kind::Manual(time) = &self.0 {
            time.send_replace(to);
        }
    }

    /// Resolves when a manual clock is moved; never for a system clock.
    pub async fn moved(&self) {
        match &self.0 {
            Kind::System => std::future::pending().await,
            // The sender is held by this clock, so an error cannot come; if it did, nobody would ever move it.
            Kind::Manual(time) => {
                if time.subscribe().changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

fn truncated(time: OffsetDateTime) -> OffsetDateTime {
    time - Duration::nanoseconds(i64::from(time.nanosecond() % 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_have_no_more_than_microseconds_and_are_utc() {
        let clock = Clock::manual(datetime!(2026-11-24 03:04:05.123456789 +3));
        assert_eq!(clock.now(), datetime!(2026-11-24 00:04:05.123456 UTC));
        assert!(clock.now().offset().is_utc());
        assert_eq!(Clock::system().now().nanosecond() % 1_000, 0);
    }

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(datetime!(2026-11-24 00:00 UTC));
        let other = clock.clone();
        clock.advance(Duration::minutes(30));
        assert_eq!(other.now(), datetime!(2026-11-24 00:30 UTC));
    }
}
