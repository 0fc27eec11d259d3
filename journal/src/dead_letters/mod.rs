//! Steps that failed for good. An operator reads them, replays them or gives them up.
//!
//! | file | what it is |
//! |---|---|
//! | `mod.rs` | the letters |
//! | `requests.rs` | what an operator asks for: replay, correct, discard |
//! | `replays.rs` | the replays that were asked for, each an attempt of its own |
//! | `endings.rs` | how a replay ends |
//! | `acts.rs` | the record of who did what and why |

mod acts;
mod endings;
mod replays;
mod requests;

pub use acts::{Act, Author, Deed, acts};
pub use endings::{Ended, finish};
pub use replays::{Replay, batch_counts, begin, replays_of, waiting};
pub use requests::{ReplayTerms, RequestError, correct, discard, request_replay};

use serde_json::Value;
use sqlx::PgExecutor;
use std::fmt;
use std::str::FromStr;
use time::OffsetDateTime;
use uuid::Uuid;

/// What an operator did about a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Replayed,
    Discarded,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not one of `open`, `replayed`, `discarded`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state of a dead letter")]
pub struct UnknownState(String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Open, Self::Replayed, Self::Discarded]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

impl TryFrom<String> for State {
    type Error = UnknownState;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A step that has failed for good.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure<'a> {
    /// See [`id_of`]; a timer's own id for a timer.
    pub id: Uuid,
    pub flow: &'a str,
    /// The event that caused the step; absent for a timer that no event started.
    pub position: Option<i64>,
    pub action_index: i32,
    pub action: &'a Value,
    /// The chain of errors as text; no personal data, no secrets.
    pub error: &'a str,
    pub attempts: i32,
    pub at: OffsetDateTime,
}

/// A row of `dead_letters`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct DeadLetter {
    pub id: Uuid,
    pub flow: String,
    pub position: Option<i64>,
    pub action_index: i32,
    pub action: Value,
    pub error: String,
    pub attempts: i32,
    pub first_at: OffsetDateTime,
    pub last_at: OffsetDateTime,
    #[sqlx(try_from = "String")]
    pub state: State,
    pub resolution: Option<String>,
    pub resolved_at: Option<OffsetDateTime>,
}

/// The same step always has the same dead letter.
pub fn id_of(flow: &str, position: i64, action_index: i32) -> Uuid {
    domain::ids::derived(&["dead_letter", flow, &position.to_string(), &action_index.to_string()])
}

/// Records a failure; a step that fails again after a replay is open again.
pub async fn record(executor: impl PgExecutor<'_>, failure: &Failure<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dead_letters (id, flow, position, action_index, action, error, attempts, first_at, last_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
         ON CONFLICT (id) DO UPDATE SET action = excluded.action, error = excluded.error, \
           attempts = excluded.attempts, last_at = excluded.last_at, state = 'open', resolution = NULL, \
           resolved_at = NULL",
    )
    .bind(failure.id)
    .bind(failure.flow)
    .bind(failure.position)
    .bind(failure.action_index)
    .bind(failure.action)
    .bind(failure.error)
    .bind(failure.attempts)
    .bind(failure.at)
    .execute(executor)
    .await?;
    Ok(())
}

pub async fn get(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<DeadLetter>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, flow, position, action_index, action, error, attempts, first_at, last_at, state, resolution, \
         resolved_at FROM dead_letters WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(executor)
    .await
}

/// Newest first; `None` means any flow or state.
pub async fn list(
    executor: impl PgExecutor<'_>,
    flow: Option<&str>,
    state: Option<State>,
    limit: i64,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, flow, position, action_index, action, error, attempts, first_at, last_at, state, resolution, \
         resolved_at FROM dead_letters WHERE ($1::text IS NULL OR flow = $1) AND ($2::text IS NULL OR state = $2) \
         ORDER BY last_at DESC, id LIMIT $3",
    )
    .bind(flow)
    .bind(state.map(State::as_str))
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// The oldest open letters that nobody has asked to replay yet, up to the one that failed last at `up_to`.
pub async fn replayable(
    executor: impl PgExecutor<'_>,
    flow: Option<&str>,
    up_to: Option<OffsetDateTime>,
    limit: i64,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, flow, position, action_index, action, error, attempts, first_at, last_at, state, resolution, \
         resolved_at FROM dead_letters l WHERE state = 'open' AND ($1::text IS NULL OR flow = $1) \
         AND ($2::timestamptz IS NULL OR last_at <= $2) AND NOT EXISTS \
           (SELECT FROM dead_letter_replays r WHERE r.letter_id = l.id AND r.finished_at IS NULL) \
         ORDER BY first_at, id LIMIT $3",
    )
    .bind(flow)
    .bind(up_to)
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// Closes an open dead letter, with the operator's words. Answers whether it was open.
pub async fn resolve(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    state: State,
    resolution: &str,
    at: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "UPDATE dead_letters SET state = $2, resolution = $3, \
           resolved_at = CASE WHEN $2 = 'open' THEN NULL ELSE $4 END WHERE id = $1 AND state = 'open'",
    )
    .bind(id)
    .bind(state.as_str())
    .bind(resolution)
    .bind(at)
    .execute(executor)
    .await?;
    Ok(result.rows_affected() == 1)
}
