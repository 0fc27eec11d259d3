//! The keys that sign access tokens, encrypted; and when each signs, and is accepted.

use sqlx::{FromRow, PgConnection, PgExecutor};
use time::OffsetDateTime;

/// One key. `wrapped` is meaningless without the secret of the service.
#[derive(Debug, Clone, FromRow)]
pub struct SigningKeyRow {
    pub kid: String,
    pub wrapped: Vec<u8>,
    pub created_at: OffsetDateTime,
    pub signs_from: OffsetDateTime,
    pub accepted_until: Option<OffsetDateTime>,
}

/// Those that are accepted now or later, oldest first.
pub async fn accepted(
    executor: impl PgExecutor<'_>,
    now: OffsetDateTime,
) -> Result<Vec<SigningKeyRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT kid, wrapped, created_at, signs_from, accepted_until FROM signing_keys \
         WHERE accepted_until IS NULL OR accepted_until > $1 ORDER BY signs_from, kid",
    )
    .bind(now)
    .fetch_all(executor)
    .await
}

/// Held to the end of the transaction, so that keys are added one after the other.
pub async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    Ok(())
}

pub async fn insert(executor: impl PgExecutor<'_>, row: &SigningKeyRow) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO signing_keys (kid, wrapped, created_at, signs_from, accepted_until) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&row.kid)
    .bind(&row.wrapped)
    .bind(row.created_at)
    .bind(row.signs_from)
    .bind(row.accepted_until)
    .execute(executor)
    .await?;
    Ok(())
}

/// Lets all others than `kid` end at `until`, unless they end before; answers how many.
pub async fn retire_others(
    executor: impl PgExecutor<'_>,
    kid: &str,
    until: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        "UPDATE signing_keys SET accepted_until = $2 WHERE kid <> $1 \
         AND (accepted_until IS NULL OR accepted_until > $2)",
    )
    .bind(kid)
    .bind(until)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}

/// Removes keys that have not been accepted for long; answers how many.
pub async fn delete_ended(executor: impl PgExecutor<'_>, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let result = sqlx::query("DELETE FROM signing_keys WHERE accepted_until <= $1")
        .bind(now)
        .execute(executor)
        .await?;
    Ok(result.rows_affected())
}
