//! How far something long has come: one line that is written over on a terminal, a line now and then elsewhere.

use crate::terminal;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// A person sees it move; a log does not fill.
const EVERY_ON_TERMINAL: Duration = Duration::from_millis(200);
const EVERY_ELSEWHERE: Duration = Duration::from_secs(5);

/// Events, rate and time left.
pub struct Meter {
    what: String,
    begun: Instant,
    /// What was done before the first report: a rebuild that is taken up does not begin at 0.
    first: Cell<Option<i64>>,
    said: Cell<Option<Instant>>,
}

impl Meter {
    pub fn new(what: &str) -> Self {
        Self { what: what.to_owned(), begun: Instant::now(), first: Cell::new(None), said: Cell::new(None) }
    }

    pub fn at(&self, done: i64, target: i64) {
        let first = self.first.get().unwrap_or(done);
        self.first.set(Some(first));
        let every = if terminal::is_watched() { EVERY_ON_TERMINAL } else { EVERY_ELSEWHERE };
        let since = self.said.get().unwrap_or(self.begun).elapsed();
        if since < every {
            return;
        }
        self.said.set(Some(Instant::now()));
        terminal::note_over(&report(&self.what, (first, done, target), self.begun.elapsed()));
    }

    /// Leaves the last report where it is.
    pub fn end(&self) {
        if self.said.get().is_some() {
            terminal::note_end();
        }
    }
}

fn report(what: &str, (first, done, target): (i64, i64, i64), elapsed: Duration) -> String {
    let millis = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX).max(1);
    let rate = (done - first).saturating_mul(1_000) / millis;
    let left = (target - done).max(0);
    let time = if rate > 0 { format!("{} left", clock(left / rate)) } else { "time left unknown".to_owned() };
    format!("  {what}: {done} of {target} events, {rate}/s, {time}")
}

fn clock(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_rate_and_time_left() {
        let text = report("orders", (1_000, 21_000, 101_000), Duration::from_secs(2));
        assert_eq!(text, "  orders: 21000 of 101000 events, 10000/s, 8 s left");
        let text = report("orders", (5, 5, 10), Duration::from_secs(2));
        assert_eq!(text, "  orders: 5 of 10 events, 0/s, time left unknown");
        assert_eq!((clock(61), clock(3_725)), ("1 min 1 s".into(), "1 h 2 min".into()));
    }
}
