//! How far each reader has come. Saved in the transaction of what it wrote, so that both are lost or kept.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

/// The reader's position, 0 if it never saved one.
pub async fn load(executor: impl PgExecutor<'_>, reader: &str) -> Result<i64, sqlx::Error> {
    let position = sqlx::query_scalar("SELECT position FROM checkpoints WHERE reader = $1")
        .bind(reader)
        .fetch_optional(executor)
        .await?;
    Ok(position.unwrap_or(0))
}

/// Saves the position, forwards or back; call it inside the transaction that wrote the rows.
pub async fn save(executor: impl PgExecutor<'_>, reader: &str, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO checkpoints (reader, position) VALUES ($1, $2) \
         ON CONFLICT (reader) DO UPDATE SET position = excluded.position, updated_at = now()",
    )
    .bind(reader)
    .bind(position)
    .execute(executor)
    .await?;
    Ok(())
}

/// Makes the present transaction commit without waiting for the disk: only for what can be rebuilt.
pub async fn commit_lazily(executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query("SET LOCAL synchronous_commit = off").execute(executor).await?;
    Ok(())
}

/// The same for every later transaction of a connection whose owner writes nothing else.
pub async fn commit_lazily_always(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET synchronous_commit = off").execute(connection).await?;
    Ok(())
}

/// One reader's row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Checkpoint {
    pub reader: String,
    pub position: i64,
    pub updated_at: OffsetDateTime,
    /// Age of the first event it has not read, in seconds; absent when it is at the head.
    pub behind_seconds: Option<i64>,
}

/// All readers, with their lag.
pub async fn all(executor: impl PgExecutor<'_>) -> Result<Vec<Checkpoint>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.reader, c.position, c.updated_at, \
         greatest(0, extract(epoch FROM now() - e.recorded_at))::bigint AS behind_seconds \
         FROM checkpoints c LEFT JOIN events e ON e.position = c.position + 1 ORDER BY c.reader LIMIT 1000",
    )
    .fetch_all(executor)
    .await
}
