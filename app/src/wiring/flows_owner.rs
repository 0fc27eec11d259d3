//! The flows run in one process at a time: two would repeat each other's steps that are under way.

use crate::snapshot::FLOWS as NAME;
use journal::owner::{self, Owned};
use sagas::runner::Runner;
use sqlx::{Connection, PgPool};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the connection that holds the lock is asked whether it lives.
const ALIVE: Duration = Duration::from_secs(2);

/// Waits for the lock, runs every flow, and stops them when the lock is lost or `stop` comes.
pub(super) async fn run(
    pool: PgPool,
    client: async_nats::Client,
    runners: Vec<Arc<Runner>>,
    stop: CancellationToken,
) {
    while let Some(mut owned) = owner::acquire(&pool, NAME, &stop).await {
        let lost = CancellationToken::new();
        let ends = lost.child_token();
        let mut flows = JoinSet::new();
        for runner in &runners {
            flows.spawn(Arc::clone(runner).run(client.clone(), ends.clone()));
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = until_dead(&mut owned) => {
                tracing::error!("the lock of the flows was lost; they stop and wait for it again");
            }
            // A flow ends by itself only by a panic: all begin again, under the same lock.
            _ = flows.join_next() => tracing::error!("a flow ended by itself; all begin again"),
        }
        lost.cancel();
        while flows.join_next().await.is_some() {}
        owned.release().await;
    }
}

async fn until_dead(owned: &mut Owned) {
    while owned.connection().ping().await.is_ok() {
        tokio::time::sleep(ALIVE).await;
    }
}
