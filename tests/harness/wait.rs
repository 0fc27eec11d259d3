//! Waiting for a condition instead of for a time.

use std::time::Duration;
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(20);
/// Generous: two cores are shared with everything else; a passing test never waits for it.
pub const LIMIT: Duration = Duration::from_secs(90);

/// Asks until there is an answer, and fails with `what` when none comes.
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(LIMIT, what, ask).await
}

/// [`eventually`] with a limit of its own.
///
/// # Panics
/// When the condition does not come to hold in time.
pub async fn eventually_within<T>(limit: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain: {what}");
        sleep(POLL).await;
    }
}
