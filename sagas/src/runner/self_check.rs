//! A flow compares itself with the journal: what no message brought, the journal does.

use super::{Handled, Runner};
use futures::{StreamExt, stream};
use journal::{progress, read};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Events that one look takes; the next look takes the next ones.
const MISSING_MAX: i64 = 2_000;
/// Pause while no message comes, and after a look that failed.
const UNHEARD: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub(super) enum SelfCheckError {
    #[error("the journal could not be read")]
    Read(#[from] read::ReadError),
    #[error("the progress could not be kept")]
    Store(#[from] sqlx::Error),
    #[error(transparent)]
    Inbox(#[from] super::InboxError),
}

/// What one look came to.
struct Look {
    head: i64,
    /// There may be more behind what one look takes.
    more: bool,
}

/// Looks until `stop`: regularly while the flow `hears`, as if it were the consumer while it does not.
///
/// A flow that hears leaves fresh events to their messages and takes only what was there at the last look; as soon as
/// that changes, messages may have been missed, and everything unhandled is taken.
pub(super) async fn run(runner: Arc<Runner>, mut hears: watch::Receiver<bool>, stop: CancellationToken) {
    let mut settled = i64::MAX;
    while !stop.is_cancelled() {
        let hearing = *hears.borrow_and_update();
        let pause = match once(&runner, settled).await {
            Ok(Look { more: true, .. }) => continue,
            Ok(Look { head, .. }) if hearing => {
                settled = head;
                runner.policy.self_check
            }
            Ok(_) => UNHEARD,
            Err(error) => {
                tracing::warn!(saga.name = runner.name(), error = super::chain(&error), "self-check failed");
                UNHEARD
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            _ = hears.changed() => settled = i64::MAX,
        }
    }
}

/// Handles what was missed up to `settled`, and moves the mark.
async fn once(runner: &Runner, settled: i64) -> Result<Look, SelfCheckError> {
    let pool = &runner.effects.pool;
    let head = read::head(pool).await?;
    let settled = settled.min(head);
    let (name, interests) = (runner.flow.name, runner.flow.interests);
    let missed = progress::missing(pool, name, interests, settled, MISSING_MAX).await?;
    let full = i64::try_from(missed.len()).is_ok_and(|count| count == MISSING_MAX);
    let handled = stream::iter(missed).map(|envelope| async move { runner.handle(&envelope).await });
    // One slow provider call must not keep the events behind it waiting.
    let mut handled = pin!(handled.buffer_unordered(runner.policy.concurrency));
    let mut any_done = false;
    while let Some(result) = handled.next().await {
        any_done |= result? == Handled::Done;
    }
    let mut connection = pool.acquire().await?;
    progress::advance(&mut connection, name, interests, settled).await?;
    // Where nothing could be done, the next look finds the same events.
    Ok(Look { head, more: full && any_done })
}
