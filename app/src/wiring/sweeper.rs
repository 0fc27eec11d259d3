//! Forgets what has served its time: ended sessions and limits, old answers to repeats, old security events.

use journal::Clock;
use journal::tables::{rate_limits, security_events, sessions};
use sqlx::PgPool;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_mins(1);
/// Rows of one statement, so that none holds its locks for long.
const ROWS: i64 = 1_000;
/// A token that comes back so late is unknown instead of ended; nobody can tell the difference.
const SESSIONS_KEPT: time::Duration = time::Duration::days(7);
const SECURITY_EVENTS_KEPT: time::Duration = time::Duration::days(730);

pub async fn run(pool: PgPool, clock: Clock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        match sweep(&pool, clock.now()).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "swept"),
            Err(error) => tracing::warn!(%error, "could not sweep; it is tried again in a minute"),
        }
    }
}

/// Answers how many rows went.
async fn sweep(pool: &PgPool, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    Ok(rate_limits::delete_ended(pool, now, ROWS).await?
        + sessions::delete_ended_before(pool, now - SESSIONS_KEPT, ROWS).await?
        + security_events::delete_before(pool, now - SECURITY_EVENTS_KEPT, ROWS).await?)
}
