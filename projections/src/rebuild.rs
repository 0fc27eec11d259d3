//! A read model built anew beside the live one, and swapped in by one transaction.

use crate::model::ReadModel;
use crate::page::{self, CATCH_UP_PAGE_EVENTS, Entry};
use crate::runner::BEGIN_LAZY;
use crate::status::{self, State};
use crate::table::{ApplyError, Schema, Table};
use domain::DecodeError;
use journal::checkpoint;
use journal::owner::{self, Owned};
use journal::read::{self, ReadError};
use sqlx::{Connection, PgConnection, PgPool};

/// Why a read model could not be built.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("there is no read model {0:?}")]
    Unknown(String),
    #[error("{0} is being rebuilt or verified already")]
    Busy(&'static str),
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("{name} cannot read an event")]
    Decode {
        name: &'static str,
        #[source]
        source: DecodeError,
    },
    #[error("a row of {name} cannot be read or written by the fold, between positions {from} and {to}")]
    Row {
        name: &'static str,
        from: i64,
        to: i64,
        #[source]
        source: serde_json::Error,
    },
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Builds the read model from the first event to the head and swaps it in; `progress` gets (position, head).
///
/// The live one goes on meanwhile. Answers the position of the new rows.
pub async fn rebuild(pool: &PgPool, name: &str, progress: impl Fn(i64, i64)) -> Result<i64, RebuildError> {
    let mut shadow = Shadow::create(pool, name).await?;
    let head = read::head(pool).await?;
    shadow.build(pool, head, progress).await?;
    let position = shadow.swap().await?;
    tracing::info!(projection.name = shadow.table.model.name, position, "rebuilt");
    shadow.owned.release().await;
    Ok(position)
}

/// Rebuilds what another version of the folds wrote; for the start of a new release.
pub async fn rebuild_outdated(
    pool: &PgPool,
    progress: impl Fn(&'static str, i64, i64),
) -> Result<(), RebuildError> {
    for status in status::status(pool).await? {
        if matches!(status.state, State::Outdated { .. }) {
            rebuild(pool, status.name, |position, head| progress(status.name, position, head)).await?;
        }
    }
    Ok(())
}

/// A table under construction, its position, and the connection that builds it.
pub(crate) struct Shadow {
    pub owned: Owned,
    pub table: Table,
    pub position: i64,
}

impl Shadow {
    /// An empty table; one that somebody left behind is dropped.
    pub async fn create(pool: &PgPool, name: &str) -> Result<Self, RebuildError> {
        let model = ReadModel::named(name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
        let lock = format!("shadow:{name}");
        let mut owned = owner::try_acquire(pool, &lock).await?.ok_or(RebuildError::Busy(model.name))?;
        let statement = format!(
            "SET client_min_messages = warning; DROP TABLE IF EXISTS shadow.{0}; \
             CREATE TABLE shadow.{0} (LIKE read.{0} INCLUDING ALL)",
            model.name
        );
        sqlx::raw_sql(&statement).execute(owned.connection()).await?;
        Ok(Self { owned, table: Table::new(model, Schema::Shadow), position: 0 })
    }

    /// Applies everything up to `target`; the next page is read and decoded while one is written.
    pub async fn build(
        &mut self,
        pool: &PgPool,
        target: i64,
        progress: impl Fn(i64, i64),
    ) -> Result<(), RebuildError> {
        let mut entries = self.next(pool, self.position, target).await?;
        while let Some(last) = entries.last().map(|entry| entry.envelope.position) {
            let model = self.table.model;
            let reading = page::read(pool, std::slice::from_ref(&model), last, limit(last, target));
            let (following, applied) = tokio::join!(reading, self.apply_page(&entries));
            applied?;
            progress(self.position, target);
            entries = following?;
        }
        Ok(())
    }

    async fn next(&self, pool: &PgPool, after: i64, target: i64) -> Result<Vec<Entry>, RebuildError> {
        Ok(page::read(pool, &[self.table.model], after, limit(after, target)).await?)
    }

    async fn apply_page(&mut self, entries: &[Entry]) -> Result<(), RebuildError> {
        let Self { owned, table, position } = self;
        let mut transaction = owned.connection().begin_with(BEGIN_LAZY).await?;
        let reached = apply(&mut transaction, table, *position, entries).await?;
        let reader = format!("shadow:{}", table.model.name);
        checkpoint::save(&mut *transaction, &reader, reached).await?;
        transaction.commit().await?;
        *position = reached;
        Ok(())
    }

    /// Catches up what was appended since, and puts the table in the live one's place.
    ///
    /// The checkpoint's row is locked first, as the runner does: it waits, and then finds its position moved.
    async fn swap(&mut self) -> Result<i64, RebuildError> {
        let Self { owned, table, position } = self;
        let model = table.model;
        let reader = model.name;
        let mut transaction = owned.connection().begin().await?;
        sqlx::query(
            "INSERT INTO checkpoints (reader, position) VALUES ($1, 0) ON CONFLICT (reader) DO NOTHING",
        )
        .bind(reader)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("SELECT FROM checkpoints WHERE reader = $1 FOR UPDATE")
            .bind(reader)
            .execute(&mut *transaction)
            .await?;
        catch_up(&mut transaction, table, position, i64::MAX).await?;
        let statement = format!(
            "SET LOCAL lock_timeout = '10s'; DROP TABLE read.{0}; ALTER TABLE shadow.{0} SET SCHEMA read",
            model.name
        );
        sqlx::raw_sql(&statement).execute(&mut *transaction).await?;
        checkpoint::save(&mut *transaction, reader, *position).await?;
        status::rebuilt(&mut transaction, model).await?;
        forget_checkpoint(&mut transaction, model).await?;
        transaction.commit().await?;
        Ok(*position)
    }
}

/// Applies, inside the caller's transaction, what lies between the table's position and `target`.
pub(crate) async fn catch_up(
    connection: &mut PgConnection,
    table: &Table,
    position: &mut i64,
    target: i64,
) -> Result<(), RebuildError> {
    while *position < target {
        let entries =
            page::read(&mut *connection, &[table.model], *position, limit(*position, target)).await?;
        if entries.is_empty() {
            break;
        }
        *position = apply(connection, table, *position, &entries).await?;
    }
    Ok(())
}

pub(crate) async fn forget_checkpoint(
    connection: &mut PgConnection,
    model: &ReadModel,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM checkpoints WHERE reader = $1")
        .bind(format!("shadow:{}", model.name))
        .execute(connection)
        .await?;
    Ok(())
}

fn limit(after: i64, target: i64) -> i64 {
    (target.saturating_sub(after)).clamp(0, CATCH_UP_PAGE_EVENTS)
}

/// Answers the position that the table has reached; an event that cannot be read ends the rebuild.
async fn apply(
    connection: &mut PgConnection,
    table: &Table,
    after: i64,
    entries: &[Entry],
) -> Result<i64, RebuildError> {
    let name = table.model.name;
    let portion = page::portion(entries, table.model, after);
    if let Some(error) = portion.unreadable {
        return Err(RebuildError::Decode { name, source: unreadable(error) });
    }
    match table.apply(connection, &portion.events).await {
        Ok(()) => Ok(portion.up_to),
        Err(ApplyError::Row(source)) => {
            Err(RebuildError::Row { name, from: after + 1, to: portion.up_to, source })
        }
        Err(ApplyError::Database(error)) => Err(error.into()),
    }
}

/// The page keeps its errors; a caller's error gets the same facts.
fn unreadable(error: &DecodeError) -> DecodeError {
    DecodeError {
        position: error.position,
        aggregate_type: error.aggregate_type.clone(),
        event_type: error.event_type.clone(),
        event_version: error.event_version.clone(),
        source: error.source.as_ref().map(serde::de::Error::custom),
    }
}
