//! Commands that are due later. Rows, not sleeping tasks: they outlive the process, and one owner fires them.

pub mod runner;

use crate::context::Context;
use domain::Command;
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

/// A command for later. Its context's `command_id` is replaced by the timer's id when it fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    pub id: Uuid,
    pub due_at: OffsetDateTime,
    pub command: Command,
    pub context: Context,
}

/// The same step always has the same timer, so that scheduling it twice is harmless.
pub fn id_of(saga: &str, position: i64, action_index: i32) -> Uuid {
    domain::ids::derived(&["timer", saga, &position.to_string(), &action_index.to_string()])
}

/// Stores a timer, durably. One with the same id stays as it is; answers whether it is new.
pub async fn schedule(
    executor: impl PgExecutor<'_>,
    timer: &Timer,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "INSERT INTO timers (id, due_at, command, context, created_at, next_attempt_at) \
         VALUES ($1, $2, $3, $4, $5, $2) ON CONFLICT (id) DO NOTHING",
    )
    .bind(timer.id)
    .bind(timer.due_at)
    .bind(Json(&timer.command))
    .bind(Json(&timer.context))
    .bind(now)
    .execute(executor)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// A timer whose time has come. `command` is still JSON: one that this release cannot read must not hide others.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Due {
    pub id: Uuid,
    pub due_at: OffsetDateTime,
    pub command: serde_json::Value,
    pub context: serde_json::Value,
    /// Failed attempts so far.
    pub attempts: i32,
}

/// Timers to be fired now, the earliest first.
pub async fn due(
    executor: impl PgExecutor<'_>,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Due>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, due_at, command, context, attempts FROM timers \
         WHERE fired_at IS NULL AND next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// Ends a timer: `committed`, the code of a refusal, or `dead_letter`.
pub async fn mark_fired(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    outcome: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE timers SET fired_at = $2, outcome = $3 WHERE id = $1 AND fired_at IS NULL")
        .bind(id)
        .bind(now)
        .bind(outcome)
        .execute(executor)
        .await?;
    Ok(())
}

/// Puts a failed attempt off.
pub async fn postpone(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    error: &str,
    next_attempt_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE timers SET attempts = attempts + 1, last_error = $2, next_attempt_at = $3 \
         WHERE id = $1 AND fired_at IS NULL",
    )
    .bind(id)
    .bind(error)
    .bind(next_attempt_at)
    .execute(executor)
    .await?;
    Ok(())
}

/// How a timer stands, for operators and tests.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TimerState {
    pub due_at: OffsetDateTime,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub fired_at: Option<OffsetDateTime>,
    pub outcome: Option<String>,
}

pub async fn get(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<TimerState>, sqlx::Error> {
    sqlx::query_as("SELECT due_at, attempts, last_error, fired_at, outcome FROM timers WHERE id = $1")
        .bind(id)
        .fetch_optional(executor)
        .await
}

/// How many wait, and since when the earliest is due; for metrics.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    pub waiting: i64,
    pub earliest_due_at: Option<OffsetDateTime>,
}

pub async fn waiting(executor: impl PgExecutor<'_>) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as(
        "SELECT count(*) AS waiting, min(next_attempt_at) AS earliest_due_at FROM timers WHERE fired_at IS NULL",
    )
    .fetch_one(executor)
    .await
}
