//! Replays that were asked for. The row is the request, the durable intent and the outcome of one attempt; the
//! process that owns the flow does it.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

/// Replays of one letter that are shown.
const SHOWN_MAX: i64 = 200;

/// A row of `dead_letter_replays`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Replay {
    pub letter_id: Uuid,
    /// 1 for the first replay of its letter.
    pub replay: i32,
    pub flow: String,
    pub batch: Option<Uuid>,
    pub failures_max: Option<i32>,
    pub requested_at: OffsetDateTime,
    pub requested_by: String,
    pub reason: String,
    pub it_did_not_happen: bool,
    pub starts: i32,
    pub started_at: Option<OffsetDateTime>,
    pub finished_at: Option<OffsetDateTime>,
    /// `done`, `nothing_to_do`, `refused`, `failed`, `withdrawn`; absent while it waits.
    pub result: Option<String>,
    pub outcome: Option<String>,
    pub may_have_happened: bool,
}

impl Replay {
    /// Whether this attempt may have acted, although nobody recorded that it did.
    pub fn is_unclear(&self) -> bool {
        self.may_have_happened || (self.finished_at.is_none() && self.starts > 0)
    }
}

/// The replays of one letter, oldest first.
pub async fn replays_of(executor: impl PgExecutor<'_>, letter_id: Uuid) -> Result<Vec<Replay>, sqlx::Error> {
    sqlx::query_as(
        "SELECT letter_id, replay, flow, batch, failures_max, requested_at, requested_by, reason, \
         it_did_not_happen, starts, started_at, finished_at, result, outcome, may_have_happened \
         FROM dead_letter_replays WHERE letter_id = $1 ORDER BY replay DESC LIMIT $2",
    )
    .bind(letter_id)
    .bind(SHOWN_MAX)
    .fetch_all(executor)
    .await
    .map(|mut replays: Vec<Replay>| {
        replays.reverse();
        replays
    })
}

/// What a flow has to do, in the order in which it was asked for.
pub async fn waiting(
    executor: impl PgExecutor<'_>,
    flow: &str,
    limit: i64,
) -> Result<Vec<Replay>, sqlx::Error> {
    sqlx::query_as(
        "SELECT letter_id, replay, flow, batch, failures_max, requested_at, requested_by, reason, \
         it_did_not_happen, starts, started_at, finished_at, result, outcome, may_have_happened \
         FROM dead_letter_replays WHERE flow = $1 AND finished_at IS NULL ORDER BY id LIMIT $2",
    )
    .bind(flow)
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// Records the intent, and answers how often this attempt was begun; `None` once it has ended.
pub async fn begin(
    executor: impl PgExecutor<'_>,
    replay: &Replay,
    at: OffsetDateTime,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE dead_letter_replays SET starts = starts + 1, started_at = coalesce(started_at, $3) \
         WHERE letter_id = $1 AND replay = $2 AND finished_at IS NULL RETURNING starts",
    )
    .bind(replay.letter_id)
    .bind(replay.replay)
    .bind(at)
    .fetch_optional(executor)
    .await
}

/// How the replays of a batch stand: a result, or none while they wait, and how many.
pub async fn batch_counts(
    executor: impl PgExecutor<'_>,
    batch: Uuid,
) -> Result<Vec<(Option<String>, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT result, count(*) FROM dead_letter_replays WHERE batch = $1 GROUP BY result ORDER BY result",
    )
    .bind(batch)
    .fetch_all(executor)
    .await
}
