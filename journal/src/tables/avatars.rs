//! Which public file is a person's picture. Whoever replaces it holds the account's row, and so learns of each old file.

use domain::AccountId;
use sqlx::PgExecutor;
use time::OffsetDateTime;

/// Key of the file.
pub async fn get(executor: impl PgExecutor<'_>, account: AccountId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT file FROM avatars WHERE account_id = $1")
        .bind(account.0)
        .fetch_optional(executor)
        .await
}

/// Writes the row, whether there was one or not.
pub async fn store(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    file: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO avatars (account_id, file, stored_at) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id) DO UPDATE SET file = excluded.file, stored_at = excluded.stored_at",
    )
    .bind(account.0)
    .bind(file)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// Key of the file that nobody shows any more, if there was one.
pub async fn delete(
    executor: impl PgExecutor<'_>,
    account: AccountId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("DELETE FROM avatars WHERE account_id = $1 RETURNING file")
        .bind(account.0)
        .fetch_optional(executor)
        .await
}
