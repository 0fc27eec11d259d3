//! Events that an operator left out of a read model, with the reason; the live runner, rebuilds and
//! verifications all obey.

use crate::model::ReadModel;
use serde::Serialize;
use sqlx::{Connection, PgConnection, PgExecutor, PgPool};
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// A read model that needs more than these needs a mended fold instead.
pub const SKIPS_MAX: i64 = 1_000;

/// The positions that one read model leaves out.
pub(crate) type Skips = BTreeSet<i64>;

/// Why an event is not left out.
#[derive(Debug, thiserror::Error)]
pub enum SkipError {
    #[error("there is no read model {0:?}")]
    Unknown(String),
    #[error("a skip needs a reason, and the name of whoever decides")]
    Unexplained,
    #[error("{0} is not stopped: there is nothing to skip")]
    NotStopped(&'static str),
    #[error("{name} is stopped at {stopped_at}: no other position can be skipped")]
    Elsewhere { name: &'static str, stopped_at: i64 },
    #[error("the journal holds no event {0}: a gap cannot be skipped")]
    NoEvent(i64),
    #[error("{0} leaves out {SKIPS_MAX} events already: mend its fold instead")]
    TooMany(&'static str),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// An event that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Skip {
    pub position: i64,
    pub reason: String,
    pub skipped_by: String,
    pub cause: String,
    #[serde(with = "time::serde::rfc3339")]
    pub skipped_at: OffsetDateTime,
}

/// Leaves out the event at which the read model is stopped, and lets it go on; the runner notices within seconds.
///
/// A second generation that has passed the position is forgotten: it may hold what the event made.
pub async fn skip(pool: &PgPool, name: &str, position: i64, reason: &str, by: &str) -> Result<(), SkipError> {
    let model = ReadModel::named(name).ok_or_else(|| SkipError::Unknown(name.to_owned()))?;
    if reason.trim().is_empty() || by.trim().is_empty() {
        return Err(SkipError::Unexplained);
    }
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let cause = stopped_by(&mut transaction, model, position).await?;
    let skipped = all(&mut *transaction, model.name).await?.len();
    if i64::try_from(skipped).unwrap_or(i64::MAX) >= SKIPS_MAX {
        return Err(SkipError::TooMany(model.name));
    }
    record(&mut transaction, model.name, position, (reason.trim(), by.trim(), &cause)).await?;
    crate::status::resume(&mut *transaction, model.name).await?;
    sqlx::query("DELETE FROM projection_generations WHERE name = $1 AND position >= $2")
        .bind(model.name)
        .bind(position)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    tracing::warn!(projection.name = model.name, event.position = position, "an event is left out");
    Ok(())
}

/// The cause of a stop at this very position; held until the end of the transaction.
async fn stopped_by(
    connection: &mut PgConnection,
    model: &ReadModel,
    position: i64,
) -> Result<String, SkipError> {
    let stopped: Option<(Option<i64>, Option<String>)> =
        sqlx::query_as("SELECT failed_position, cause FROM projection_status WHERE name = $1 FOR UPDATE")
            .bind(model.name)
            .fetch_optional(&mut *connection)
            .await?;
    let Some((Some(stopped_at), Some(cause))) = stopped else {
        return Err(SkipError::NotStopped(model.name));
    };
    if stopped_at != position {
        return Err(SkipError::Elsewhere { name: model.name, stopped_at });
    }
    let event: Option<i64> = sqlx::query_scalar("SELECT position FROM events WHERE position = $1")
        .bind(position)
        .fetch_optional(connection)
        .await?;
    event.map(|_| cause).ok_or(SkipError::NoEvent(position))
}

async fn record(
    connection: &mut PgConnection,
    name: &str,
    position: i64,
    (reason, by, cause): (&str, &str, &str),
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO projection_skips (projection, position, reason, skipped_by, cause) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (projection, position) DO NOTHING",
    )
    .bind(name)
    .bind(position)
    .bind(reason)
    .bind(by)
    .bind(cause)
    .execute(connection)
    .await?;
    Ok(())
}

/// What a read model leaves out, in order.
pub async fn skips(executor: impl PgExecutor<'_>, name: &str) -> Result<Vec<Skip>, sqlx::Error> {
    sqlx::query_as(
        "SELECT position, reason, skipped_by, cause, skipped_at FROM projection_skips \
         WHERE projection = $1 ORDER BY position LIMIT $2",
    )
    .bind(name)
    .bind(SKIPS_MAX)
    .fetch_all(executor)
    .await
}

/// The positions alone, for the folds.
pub(crate) async fn all(executor: impl PgExecutor<'_>, name: &str) -> Result<Skips, sqlx::Error> {
    let positions: Vec<i64> =
        sqlx::query_scalar("SELECT position FROM projection_skips WHERE projection = $1 LIMIT $2")
            .bind(name)
            .bind(SKIPS_MAX)
            .fetch_all(executor)
            .await?;
    Ok(positions.into_iter().collect())
}
