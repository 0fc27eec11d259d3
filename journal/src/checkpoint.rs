//! How far each reader has come. Saved in the transaction of what it wrote, so that both are lost or kept.

use sqlx::{PgConnection, PgExecutor};

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
