//! Forgets what has served its time: expired sessions, ended limits, stored answers, passwords that never came to
//! count, phone numbers that were sent a code, old security events.

use journal::Clock;
use journal::tables::{
    idempotent_answers, password_changes, phone_codes, rate_limits, security_events, sessions,
};
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_mins(1);
/// Rows of one statement, so that none holds its locks for long.
const ROWS: i64 = 1_000;
/// A token that comes back so late is unknown instead of ended; nobody can tell the difference.
const SESSIONS_KEPT: time::Duration = time::Duration::days(7);
/// Long after every retry and every dead letter of a change that was decided.
const PASSWORDS_KEPT: time::Duration = time::Duration::days(90);
/// The same; no longer, for numbers are personal data.
const PHONE_CODES_KEPT: time::Duration = time::Duration::days(30);
const SECURITY_EVENTS_KEPT: time::Duration = time::Duration::days(730);

pub async fn run(pool: PgPool, clock: Clock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let (pool, now) = (&pool, clock.now());
        // Each by itself: an error in one keeps nobody else from being swept.
        tokio::join!(
            sweep("limits", &stop, || rate_limits::delete_ended(pool, now, ROWS)),
            sweep("stored answers", &stop, || idempotent_answers::delete_ended(pool, now, ROWS)),
            async {
                // One after the other: sessions take their tokens along.
                sweep("sessions", &stop, || sessions::delete_ended_before(pool, now - SESSIONS_KEPT, ROWS))
                    .await;
                sweep("refresh tokens", &stop, || {
                    sessions::delete_expired_tokens(pool, now - SESSIONS_KEPT, ROWS)
                })
                .await;
            },
            sweep("unused passwords", &stop, || {
                password_changes::delete_before(pool, now - PASSWORDS_KEPT, ROWS)
            }),
            sweep("phone codes", &stop, || phone_codes::delete_before(pool, now - PHONE_CODES_KEPT, ROWS)),
            sweep("security events", &stop, || {
                security_events::delete_before(pool, now - SECURITY_EVENTS_KEPT, ROWS)
            }),
        );
    }
}

/// Until nothing is left to forget.
async fn sweep<F: Future<Output = Result<u64, sqlx::Error>>>(
    what: &str,
    stop: &CancellationToken,
    delete: impl Fn() -> F,
) {
    let mut all = 0;
    while !stop.is_cancelled() {
        match delete().await {
            Ok(rows) => {
                all += rows;
                if rows < ROWS.unsigned_abs() {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%error, what, "could not sweep; it is tried again in a minute");
                break;
            }
        }
    }
    if all > 0 {
        tracing::debug!(rows = all, what, "swept");
    }
}
