//! The record of what was done about dead letters. Rows are only ever added.

use serde_json::Value;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

/// Acts of one letter that are shown.
const SHOWN_MAX: i64 = 500;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Corrected,
    ReplayRequested,
    Replayed,
    ReplayFailed,
    ReplayWithdrawn,
    Discarded,
}

impl Deed {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Corrected => "corrected",
            Self::ReplayRequested => "replay_requested",
            Self::Replayed => "replayed",
            Self::ReplayFailed => "replay_failed",
            Self::ReplayWithdrawn => "replay_withdrawn",
            Self::Discarded => "discarded",
        }
    }
}

/// Who acts, and why: part of every act.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    pub by: &'a str,
    pub reason: &'a str,
    pub at: OffsetDateTime,
}

/// An act to be recorded.
#[derive(Debug, Clone)]
pub(super) struct NewAct<'a> {
    pub letter_id: Uuid,
    pub deed: Deed,
    pub author: Author<'a>,
    pub replay: Option<i32>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// A row of `dead_letter_acts`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Act {
    pub at: OffsetDateTime,
    pub act: String,
    pub by: String,
    pub reason: String,
    pub replay: Option<i32>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

pub(super) async fn record_act(executor: impl PgExecutor<'_>, act: &NewAct<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dead_letter_acts (letter_id, at, act, by, reason, replay, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(act.letter_id)
    .bind(act.author.at)
    .bind(act.deed.as_str())
    .bind(act.author.by)
    .bind(act.author.reason)
    .bind(act.replay)
    .bind(&act.before)
    .bind(&act.after)
    .execute(executor)
    .await?;
    Ok(())
}

/// What was done about a letter, oldest first.
pub async fn acts(executor: impl PgExecutor<'_>, letter_id: Uuid) -> Result<Vec<Act>, sqlx::Error> {
    sqlx::query_as(
        "SELECT at, act, by, reason, replay, before, after FROM dead_letter_acts \
         WHERE letter_id = $1 ORDER BY id LIMIT $2",
    )
    .bind(letter_id)
    .bind(SHOWN_MAX)
    .fetch_all(executor)
    .await
}
