//! Counters in windows, shared by all processes. The first use opens a window; its end forgets them.

use crate::mac::{Label, mac};
use sqlx::{FromRow, PgExecutor};
use time::{Duration, OffsetDateTime};

/// Names a counter without saying whose it is.
pub type Key = [u8; 16];

/// The counter of `subject` under the limit called `limit`.
pub fn key(server_secret: &[u8], limit: &str, subject: &str) -> Key {
    let full = mac(server_secret, Label::RateLimit, &[limit.as_bytes(), b":", subject.as_bytes()]);
    let mut key = Key::default();
    key.copy_from_slice(&full[..16]);
    key
}

/// What a counter shows after it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Count {
    /// In this window, this use included. Stops beyond the second use that was too many, so that the first shows.
    pub used: i32,
    pub ends_at: OffsetDateTime,
}

/// How a counter is used.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    pub times: i32,
    /// What is counted exactly; beyond, it is too many.
    pub most: i32,
    pub window: Duration,
    /// The first use too many opens a new window, at whose end all is forgotten.
    pub penalty: bool,
}

/// Uses a counter, at once for all processes: two callers never see the same count.
pub async fn take(
    executor: impl PgExecutor<'_>,
    key: Key,
    Use { times, most, window, penalty }: Use,
    now: OffsetDateTime,
) -> Result<Count, sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO rate_limits AS r (key, used, ends_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET \
         used = CASE WHEN r.ends_at <= $4 THEN $2 ELSE least(r.used, $5 + 1) + $2 END, \
         ends_at = CASE WHEN r.ends_at <= $4 OR ($6 AND r.used <= $5 AND r.used + $2 > $5) THEN $3 ELSE r.ends_at END \
         RETURNING used, ends_at",
    )
    .bind(key.as_slice())
    .bind(times)
    .bind(now + window)
    .bind(now)
    .bind(most)
    .bind(penalty)
    .fetch_one(executor)
    .await
}

/// Forgets what was counted.
pub async fn forget(executor: impl PgExecutor<'_>, key: Key) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM rate_limits WHERE key = $1").bind(key.as_slice()).execute(executor).await?;
    Ok(())
}

/// Removes counters whose window has ended; at most `limit`, and answers how many.
pub async fn delete_ended(
    executor: impl PgExecutor<'_>,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        // Once more outside: a counter may begin anew in between.
        "DELETE FROM rate_limits WHERE ends_at <= $1 \
         AND key IN (SELECT key FROM rate_limits WHERE ends_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_belongs_to_one_limit_and_one_subject() {
        let one = key(b"s", "login", "a");
        assert_eq!(one, key(b"s", "login", "a"));
        for other in [key(b"s", "login", "b"), key(b"s", "auth", "a"), key(b"t", "login", "a")] {
            assert_ne!(one, other);
        }
    }
}
