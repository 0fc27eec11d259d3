//! What was committed beside the events: claims and recorded answers.

use super::ReadError;
use crate::context::IdempotencyRecord;
use sqlx::PgExecutor;
use time::OffsetDateTime;

/// The aggregate that holds a claim.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ClaimOwner {
    pub owner_type: String,
    pub owner_id: String,
    pub claimed_at: OffsetDateTime,
}

pub async fn claim_owner(
    executor: impl PgExecutor<'_>,
    scope: &str,
    key: &str,
) -> Result<Option<ClaimOwner>, ReadError> {
    let owner =
        sqlx::query_as("SELECT owner_type, owner_id, claimed_at FROM claims WHERE scope = $1 AND key = $2")
            .bind(scope)
            .bind(key)
            .fetch_optional(executor)
            .await?;
    Ok(owner)
}

/// The greatest key of a scope, by bytes; for series whose keys have a fixed width.
pub async fn last_claim_key(
    executor: impl PgExecutor<'_>,
    scope: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT max(key COLLATE \"C\") FROM claims WHERE scope = $1")
        .bind(scope)
        .fetch_one(executor)
        .await
}

/// A recorded answer, and where its result can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAnswer {
    pub record: IdempotencyRecord,
    /// The last event of the command; absent when it wrote none.
    pub position: Option<i64>,
    pub recorded_at: OffsetDateTime,
}

type AnswerColumns = (String, serde_json::Value, Option<i64>, OffsetDateTime);

pub async fn answer(
    executor: impl PgExecutor<'_>,
    scope: &str,
    key: &str,
) -> Result<Option<StoredAnswer>, ReadError> {
    let row: Option<AnswerColumns> = sqlx::query_as(
        "SELECT fingerprint, answer, position, recorded_at FROM idempotency WHERE scope = $1 AND key = $2",
    )
    .bind(scope)
    .bind(key)
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|(fingerprint, answer, position, recorded_at)| StoredAnswer {
        record: IdempotencyRecord { scope: scope.to_owned(), key: key.to_owned(), fingerprint, answer },
        position,
        recorded_at,
    }))
}

/// Forgets answers recorded before a time; at most `limit`, and answers how many.
pub async fn delete_answers_before(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, ReadError> {
    let result = sqlx::query(
        "DELETE FROM idempotency WHERE (scope, key) IN \
         (SELECT scope, key FROM idempotency WHERE recorded_at < $1 ORDER BY recorded_at LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}
