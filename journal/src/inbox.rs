//! What a flow has begun and finished: the durable intent before each step, and the proof against a second time.
//!
//! Others act on these rows, so they commit durably (`synchronous_commit` stays on).

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

/// One step: the flow, the event that caused it, and its place among that event's actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step<'a> {
    pub saga: &'a str,
    pub position: i64,
    pub action_index: i32,
}

/// What is known of a step when it begins.
#[derive(Debug, Clone, PartialEq)]
pub enum InboxState {
    /// Never tried.
    New,
    /// Tried before without a known end: ask the outside what became of it before doing it again.
    /// `attempts` counts this one too.
    Started { attempts: i32 },
    /// Finished; do not do it again.
    Done { outcome: Value },
}

/// Records the intent. Must have committed before the step touches anything outside.
pub async fn begin(connection: &mut PgConnection, step: Step<'_>) -> Result<InboxState, sqlx::Error> {
    let attempts: Option<i32> = sqlx::query_scalar(
        "INSERT INTO inbox (saga, position, action_index, attempts) VALUES ($1, $2, $3, 1) \
         ON CONFLICT (saga, position, action_index) DO UPDATE SET attempts = inbox.attempts + 1 \
         WHERE inbox.finished_at IS NULL RETURNING attempts",
    )
    .bind(step.saga)
    .bind(step.position)
    .bind(step.action_index)
    .fetch_optional(&mut *connection)
    .await?;
    match attempts {
        Some(1) => Ok(InboxState::New),
        Some(attempts) => Ok(InboxState::Started { attempts }),
        None => {
            let outcome = sqlx::query_scalar(
                "SELECT outcome FROM inbox WHERE saga = $1 AND position = $2 AND action_index = $3",
            )
            .bind(step.saga)
            .bind(step.position)
            .bind(step.action_index)
            .fetch_one(connection)
            .await?;
            Ok(InboxState::Done { outcome })
        }
    }
}

/// Records the outcome; the first one stays. Answers whether it was recorded now.
pub async fn finish(
    executor: impl PgExecutor<'_>,
    step: Step<'_>,
    outcome: &Value,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "UPDATE inbox SET finished_at = now(), outcome = $4 \
         WHERE saga = $1 AND position = $2 AND action_index = $3 AND finished_at IS NULL",
    )
    .bind(step.saga)
    .bind(step.position)
    .bind(step.action_index)
    .bind(outcome)
    .execute(executor)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Records that an attempt failed. `may_have_happened`: it ended without saying whether it acted.
pub async fn record_failure(
    executor: impl PgExecutor<'_>,
    step: Step<'_>,
    may_have_happened: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE inbox SET failures = failures + 1, may_have_happened = may_have_happened OR $4 \
         WHERE saga = $1 AND position = $2 AND action_index = $3",
    )
    .bind(step.saga)
    .bind(step.position)
    .bind(step.action_index)
    .bind(may_have_happened)
    .execute(executor)
    .await?;
    Ok(())
}

/// What the inbox knows of a step, for whoever looks at it afterwards.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Intent {
    pub attempts: i32,
    pub failures: i32,
    pub may_have_happened: bool,
    pub started_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
    pub outcome: Option<Value>,
}

impl Intent {
    /// Whether one of the attempts may have acted, although the step failed.
    pub fn is_unclear(&self) -> bool {
        self.may_have_happened || self.failures < self.attempts
    }

    /// What came of the step, unless it ended as a dead letter.
    pub fn success(&self) -> Option<&Value> {
        self.outcome.as_ref().filter(|outcome| outcome["dead_letter"] != true)
    }
}

pub async fn get(executor: impl PgExecutor<'_>, step: Step<'_>) -> Result<Option<Intent>, sqlx::Error> {
    sqlx::query_as(
        "SELECT attempts, failures, may_have_happened, started_at, finished_at, outcome FROM inbox \
         WHERE saga = $1 AND position = $2 AND action_index = $3",
    )
    .bind(step.saga)
    .bind(step.position)
    .bind(step.action_index)
    .fetch_optional(executor)
    .await
}
