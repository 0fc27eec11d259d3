//! Steps that failed for good, and commands that are due.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

/// Characters of an error that a screen can use.
const ERROR_CHARS_MAX: i32 = 300;

/// Open dead letters of one flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Letters {
    pub flow: String,
    pub open: i64,
    /// Age of the oldest, in milliseconds.
    pub oldest_ms: i64,
    /// What the newest says.
    pub error: String,
}

/// Flows that have open dead letters, `timers` among them.
pub async fn letters(executor: impl PgExecutor<'_>) -> Result<Vec<Letters>, sqlx::Error> {
    sqlx::query_as(
        "SELECT f.flow, f.open, (greatest(0, extract(epoch FROM now() - f.oldest_at)) * 1000)::bigint AS oldest_ms, \
           left(newest.error, $1) AS error \
         FROM (SELECT flow, count(*) AS open, min(first_at) AS oldest_at FROM dead_letters \
           WHERE state = 'open' GROUP BY flow ORDER BY flow LIMIT 100) f \
         CROSS JOIN LATERAL (SELECT error FROM dead_letters d WHERE d.flow = f.flow AND d.state = 'open' \
           ORDER BY d.first_at DESC LIMIT 1) newest ORDER BY f.flow",
    )
    .bind(ERROR_CHARS_MAX)
    .fetch_all(executor)
    .await
}

/// Timers that have not fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Timers {
    pub waiting: i64,
    pub overdue: i64,
    /// How late the earliest is, in milliseconds; negative while its time has not come.
    pub late_ms: Option<i64>,
    /// What the earliest failed with at its last attempt.
    pub error: Option<String>,
}

pub async fn timers(executor: impl PgExecutor<'_>) -> Result<Timers, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.waiting, t.overdue, (extract(epoch FROM now() - t.earliest) * 1000)::bigint AS late_ms, \
           (SELECT left(last_error, $1) FROM timers WHERE fired_at IS NULL ORDER BY next_attempt_at, id LIMIT 1) \
             AS error \
         FROM (SELECT count(*) AS waiting, count(*) FILTER (WHERE next_attempt_at <= now()) AS overdue, \
           min(next_attempt_at) AS earliest FROM timers WHERE fired_at IS NULL) t",
    )
    .bind(ERROR_CHARS_MAX)
    .fetch_one(executor)
    .await
}
