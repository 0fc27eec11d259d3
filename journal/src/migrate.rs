//! The schema, embedded in the binary.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgPool};

/// Every migration of `migrations/`, in order.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Brings the schema up to date. Several processes may call it at once; they take turns.
///
/// Runs with the rights of the login, not of the service's role. Other connections of the pool that were opened
/// before the role existed keep those rights until they end: migrate first, then work.
pub async fn run(pool: &PgPool) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?.detach();
    sqlx::query("RESET ROLE").execute(&mut connection).await?;
    // A migration may take longer than a statement of the service.
    sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
    MIGRATOR.run_direct(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
