//! What the database knows of a second generation.

use crate::model::ReadModel;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

/// Where a second generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// On the way; a killed rebuild goes on from here.
    Building,
    /// Complete, and waits for a switch.
    Built,
    /// Was live until a switch; can be switched back to. It stands still until then.
    Kept,
}

impl Stage {
    pub fn text(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Built => "built",
            Self::Kept => "kept",
        }
    }
}

/// A state that this release does not know.
#[derive(Debug, thiserror::Error)]
#[error("a second generation is in an unknown state")]
pub struct UnknownStage;

impl TryFrom<String> for Stage {
    type Error = UnknownStage;

    fn try_from(text: String) -> Result<Self, UnknownStage> {
        let all = [Self::Building, Self::Built, Self::Kept];
        all.into_iter().find(|stage| stage.text() == text).ok_or(UnknownStage)
    }
}

/// A read model's second generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Second {
    pub version: i32,
    #[sqlx(rename = "state", try_from = "String")]
    pub stage: Stage,
    pub position: i64,
    /// The position of the last comparison with the live rows.
    pub compared_position: Option<i64>,
    pub differing: Option<i64>,
}

pub(crate) async fn find(executor: impl PgExecutor<'_>, name: &str) -> Result<Option<Second>, sqlx::Error> {
    sqlx::query_as(
        "SELECT version, state, position, compared_position, differing FROM projection_generations WHERE name = $1",
    )
    .bind(name)
    .fetch_optional(executor)
    .await
}

/// A new one, at the beginning; in place of any other.
pub(crate) async fn begin(connection: &mut PgConnection, model: &ReadModel) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO projection_generations (name, version, state) VALUES ($1, $2, 'building') \
         ON CONFLICT (name) DO UPDATE SET version = excluded.version, state = 'building', position = 0, \
         compared_position = NULL, differing = NULL, started_at = now(), updated_at = now()",
    )
    .bind(model.name)
    .bind(model.version)
    .execute(connection)
    .await?;
    Ok(())
}

/// Moves the position from where its builder believes it to be; an error when the generation is not there any more.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    name: &str,
    from: i64,
    to: i64,
) -> Result<(), sqlx::Error> {
    let moved = sqlx::query(
        "UPDATE projection_generations SET position = $3, updated_at = now() WHERE name = $1 AND position = $2",
    )
    .bind(name)
    .bind(from)
    .bind(to)
    .execute(connection)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

pub(crate) async fn set_stage(
    executor: impl PgExecutor<'_>,
    name: &str,
    stage: Stage,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE projection_generations SET state = $2, updated_at = now() WHERE name = $1")
        .bind(name)
        .bind(stage.text())
        .execute(executor)
        .await?;
    Ok(())
}

pub(crate) async fn compared(
    executor: impl PgExecutor<'_>,
    name: &str,
    position: i64,
    differing: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE projection_generations SET compared_position = $2, differing = $3, updated_at = now() \
         WHERE name = $1",
    )
    .bind(name)
    .bind(position)
    .bind(differing)
    .execute(executor)
    .await?;
    Ok(())
}

/// The record of the generation that a switch has put aside, in place of the one that stood at `expected`; an error
/// when that one is not there any more.
pub(crate) async fn keep(
    executor: impl PgExecutor<'_>,
    name: &str,
    version: i32,
    (expected, position): (i64, i64),
) -> Result<(), sqlx::Error> {
    let kept = sqlx::query(
        "UPDATE projection_generations SET version = $2, state = 'kept', position = $4, \
         compared_position = NULL, differing = NULL, updated_at = now() WHERE name = $1 AND position = $3",
    )
    .bind(name)
    .bind(version)
    .bind(expected)
    .bind(position)
    .execute(executor)
    .await?;
    if kept.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

pub(crate) async fn forget(executor: impl PgExecutor<'_>, name: &str) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query("DELETE FROM projection_generations WHERE name = $1")
        .bind(name)
        .execute(executor)
        .await?;
    Ok(gone.rows_affected() == 1)
}
