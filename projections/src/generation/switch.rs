//! The second generation and the live one change places, in one transaction.
//!
//! The live table is locked against writing first, and then its checkpoint, in the order in which the runner's
//! statement takes them: the runner waits, and then finds that the table behind its checkpoint is another one. Whoever
//! reads waits at most for the exchange, and then reads the new table.

use super::{Generation, RebuildError, record};
use crate::model::ReadModel;
use crate::status;
use sqlx::{Connection, PgConnection};
use std::time::Duration;

/// Readers queue behind a switch that waits for a long reader: so it gives up soon, and comes again.
const BEGIN_IMPATIENT: &str = "BEGIN; SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = 0; \
    SET LOCAL client_min_messages = warning";
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(300);
/// `lock_not_available`.
const LOCKED: &str = "55P03";

impl Generation {
    /// Catches up what the live table has, and takes its place; answers the position of the rows that are live then.
    ///
    /// The other one is kept, where it stands. The read model counts as live again, also when it was stopped.
    pub async fn switch(&mut self) -> Result<i64, RebuildError> {
        for _ in 1..TRIES {
            match self.try_switch().await {
                Err(RebuildError::Database(error)) if is_locked(&error) => tokio::time::sleep(PAUSE).await,
                done => return done,
            }
        }
        self.try_switch().await
    }

    async fn try_switch(&mut self) -> Result<i64, RebuildError> {
        let Self { owned, table, skips, position, .. } = self;
        let model = table.model;
        let mut transaction = owned.connection().begin_with(BEGIN_IMPATIENT).await?;
        let live = lock(&mut transaction, model.name).await?;
        let reached = Self::catch_up(&mut transaction, (table, skips), (*position, live)).await?;
        let version: Option<i32> =
            sqlx::query_scalar("SELECT version FROM projection_status WHERE name = $1")
                .bind(model.name)
                .fetch_optional(&mut *transaction)
                .await?;
        change_places(&mut transaction, model).await?;
        sqlx::query(
            "UPDATE checkpoints SET position = $2, generation = generation + 1, updated_at = now() \
             WHERE reader = $1",
        )
        .bind(model.name)
        .bind(reached)
        .execute(&mut *transaction)
        .await?;
        status::rebuilt(&mut transaction, model).await?;
        let version = version.unwrap_or(model.version);
        match record::keep(&mut *transaction, model.name, version, (*position, live)).await {
            Err(sqlx::Error::RowNotFound) => return Err(RebuildError::Taken(model.name)),
            kept => kept?,
        }
        transaction.commit().await?;
        *position = live;
        tracing::info!(projection.name = model.name, position = reached, "the generations changed places");
        Ok(reached)
    }
}

/// Answers where the live one stands.
async fn lock(connection: &mut PgConnection, reader: &str) -> Result<i64, sqlx::Error> {
    let table = format!("LOCK TABLE read.{reader} IN SHARE ROW EXCLUSIVE MODE");
    sqlx::raw_sql(&table).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO checkpoints (reader, position) VALUES ($1, 0) ON CONFLICT (reader) DO NOTHING")
        .bind(reader)
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar("SELECT position FROM checkpoints WHERE reader = $1 FOR UPDATE")
        .bind(reader)
        .fetch_one(connection)
        .await
}

/// By way of a third schema, since indexes move along and have the same names on both sides.
async fn change_places(connection: &mut PgConnection, model: &ReadModel) -> Result<(), sqlx::Error> {
    let statement = format!(
        "DROP TABLE IF EXISTS scratch.{0}; ALTER TABLE read.{0} SET SCHEMA scratch; \
         ALTER TABLE shadow.{0} SET SCHEMA read; ALTER TABLE scratch.{0} SET SCHEMA shadow",
        model.name
    );
    sqlx::raw_sql(&statement).execute(connection).await?;
    Ok(())
}

fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == LOCKED)
}
