//! A flow compares itself with the journal: what no message brought, the journal does.

use super::Runner;
use journal::{progress, read};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Events that one look takes; the next look takes the next ones.
const MISSING_MAX: i64 = 200;
/// Pause while no message comes, and after a look that failed.
const UNHEARD: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
enum SelfCheckError {
    #[error("the journal could not be read")]
    Read(#[from] read::ReadError),
    #[error("the progress could not be kept")]
    Store(#[from] sqlx::Error),
}

/// Looks until `stop`: regularly while the flow `hears`, as if it were the consumer while it does not. Then lets begun
/// steps end.
///
/// A flow that hears leaves fresh events to their messages and takes only what was there at the last look; as soon as
/// that changes, messages may have been missed, and everything unhandled is taken.
pub(super) async fn run(runner: Arc<Runner>, mut hears: watch::Receiver<bool>, stop: CancellationToken) {
    let mut begun = JoinSet::new();
    let mut settled = i64::MAX;
    while !stop.is_cancelled() {
        if hears.has_changed().unwrap_or(false) {
            settled = i64::MAX;
        }
        let hearing = *hears.borrow_and_update();
        let look = stop.run_until_cancelled(once(&runner, settled, &mut begun)).await;
        let pause = match look {
            None => break,
            Some(Ok(Look { more: true, .. })) => continue,
            Some(Ok(Look { head, .. })) if hearing => {
                settled = head;
                runner.policy.self_check
            }
            Some(Ok(_)) => UNHEARD,
            Some(Err(error)) => {
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
    while begun.join_next().await.is_some() {}
}

/// What one look came to.
struct Look {
    head: i64,
    /// There may be more behind what one look takes.
    more: bool,
}

/// Begins what was missed up to `settled`, and moves the mark as far as everything is done.
///
/// It waits for room, and for no step: a provider that does not answer must not keep others waiting.
async fn once(runner: &Arc<Runner>, settled: i64, begun: &mut JoinSet<()>) -> Result<Look, SelfCheckError> {
    let pool = &runner.effects.pool;
    let head = read::head(pool).await?;
    let settled = settled.min(head);
    let (name, interests) = (runner.flow.name, runner.flow.interests);
    let missed = progress::missing(pool, name, interests, settled, &runner.held(), MISSING_MAX).await?;
    let more = i64::try_from(missed.len()).is_ok_and(|count| count == MISSING_MAX);
    for envelope in missed {
        let permit = runner.room().await;
        let runner = Arc::clone(runner);
        begun.spawn(async move {
            if let Err(error) = runner.handle(&envelope).await {
                tracing::warn!(
                    saga.name = runner.name(),
                    error = super::chain(&error),
                    "missed, and not handled"
                );
            }
            drop(permit);
        });
        while begun.try_join_next().is_some() {}
    }
    let mut connection = pool.acquire().await?;
    progress::advance(&mut connection, name, interests, settled).await?;
    Ok(Look { head, more })
}
