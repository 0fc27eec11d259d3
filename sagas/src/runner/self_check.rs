//! A flow compares itself with the journal: what no message brought, the journal does.

use super::Runner;
use futures::{StreamExt, stream};
use journal::{progress, read};
use std::pin::pin;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Events that one look takes; the next look takes the next ones.
const MISSING_MAX: i64 = 2_000;

#[derive(Debug, thiserror::Error)]
pub(super) enum SelfCheckError {
    #[error("the journal could not be read")]
    Read(#[from] read::ReadError),
    #[error("the progress could not be kept")]
    Store(#[from] sqlx::Error),
    #[error(transparent)]
    Inbox(#[from] super::InboxError),
}

/// At start and then regularly, until `stop`. At start nothing is under way, so everything unhandled was missed;
/// later only what was there at the last look, so that fresh events are left to their messages.
pub(super) async fn run(runner: Arc<Runner>, stop: CancellationToken) {
    let mut settled = i64::MAX;
    while !stop.is_cancelled() {
        match once(&runner, settled).await {
            Ok(head) => settled = head,
            Err(error) => {
                tracing::warn!(saga.name = runner.name(), error = super::chain(&error), "self-check failed");
            }
        }
        stop.run_until_cancelled(tokio::time::sleep(runner.policy.self_check)).await;
    }
}

/// Handles what was missed up to `settled`, moves the mark, and answers the head for the next look.
async fn once(runner: &Runner, settled: i64) -> Result<i64, SelfCheckError> {
    let pool = &runner.effects.pool;
    let head = read::head(pool).await?;
    let settled = settled.min(head);
    let (name, interests) = (runner.flow.name, runner.flow.interests);
    let missed = progress::missing(pool, name, interests, settled, MISSING_MAX).await?;
    let handled = stream::iter(missed).map(|envelope| async move { runner.handle(&envelope).await });
    // One slow provider call must not keep the events behind it waiting.
    let mut handled = pin!(handled.buffer_unordered(runner.policy.concurrency));
    while let Some(result) = handled.next().await {
        result?;
    }
    let mut connection = pool.acquire().await?;
    progress::advance(&mut connection, name, interests, settled).await?;
    Ok(head)
}
