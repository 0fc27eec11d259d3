//! How far each read model has come, and where one stopped.

use crate::generation::record::{Second, Stage};
use crate::model::ReadModel;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// Whether a read model is kept up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    Live,
    /// An event could not be applied. The others go on.
    Stopped {
        position: i64,
        cause: String,
    },
    /// Its rows were written by another version of the fold: rebuild it.
    Outdated {
        version: i32,
    },
    /// No runner has ever started it.
    New,
}

/// One read model's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub name: &'static str,
    pub position: i64,
    /// The last position of the journal.
    pub head: i64,
    pub lag_events: i64,
    /// Age of the first event that it has not applied; 0 at the head.
    pub lag_seconds: i64,
    #[serde(flatten)]
    pub state: State,
    /// The version of the fold that wrote the rows; absent when no runner has ever started it.
    pub version: Option<i32>,
    /// The other generation, if there is one.
    pub second: Option<Second>,
    /// Events that an operator left out.
    pub skipped: i64,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Stored {
    name: String,
    pub position: i64,
    pub generation: i64,
    lag_seconds: i64,
    version: Option<i32>,
    failed_position: Option<i64>,
    cause: Option<String>,
    second_version: Option<i32>,
    second_state: Option<String>,
    second_position: Option<i64>,
    compared_position: Option<i64>,
    differing: Option<i64>,
    skipped: i64,
}

impl Stored {
    fn second(&self) -> Option<Second> {
        Some(Second {
            version: self.second_version?,
            stage: Stage::try_from(self.second_state.clone()?).ok()?,
            position: self.second_position?,
            compared_position: self.compared_position,
            differing: self.differing,
        })
    }

    pub fn state(&self, model: &ReadModel) -> State {
        match (self.version, self.failed_position, &self.cause) {
            (None, _, _) => State::New,
            (Some(version), _, _) if version != model.version => State::Outdated { version },
            (Some(_), Some(position), Some(cause)) => State::Stopped { position, cause: cause.clone() },
            (Some(_), _, _) => State::Live,
        }
    }
}

/// Every read model, in the order of [`crate::ALL`].
pub async fn status(pool: &PgPool) -> Result<Vec<Status>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let stored = stored(&mut connection).await?;
    let head = journal::read::head(&mut *connection).await?;
    Ok(stored
        .into_iter()
        .map(|(model, stored)| Status {
            name: model.name,
            position: stored.position,
            head: head.max(stored.position),
            lag_events: (head - stored.position).max(0),
            lag_seconds: stored.lag_seconds,
            state: stored.state(model),
            version: stored.version,
            second: stored.second(),
            skipped: stored.skipped,
        })
        .collect())
}

pub(crate) async fn stored(
    connection: &mut PgConnection,
) -> Result<Vec<(&'static ReadModel, Stored)>, sqlx::Error> {
    let names: Vec<&str> = crate::ALL.iter().map(|model| model.name).collect();
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT n.name, coalesce(c.position, 0) AS position, coalesce(c.generation, 0) AS generation, s.version, s.failed_position, s.cause, \
         coalesce(greatest(0, extract(epoch FROM now() - e.recorded_at)), 0)::bigint AS lag_seconds, \
         g.version AS second_version, g.state AS second_state, g.position AS second_position, \
         g.compared_position, g.differing, \
         (SELECT count(*) FROM projection_skips k WHERE k.projection = n.name) AS skipped \
         FROM unnest($1) WITH ORDINALITY AS n(name, place) \
         LEFT JOIN checkpoints c ON c.reader = n.name \
         LEFT JOIN projection_status s ON s.name = n.name \
         LEFT JOIN projection_generations g ON g.name = n.name \
         LEFT JOIN events e ON e.position = coalesce(c.position, 0) + 1 \
         ORDER BY n.place",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((ReadModel::named(&row.name)?, row))).collect())
}

/// Gives every read model its row; one that stopped is tried again, since its cause may be mended.
pub(crate) async fn start_all(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = crate::ALL.iter().map(|model| model.name).collect();
    let versions: Vec<i32> = crate::ALL.iter().map(|model| model.version).collect();
    sqlx::query(
        "WITH checkpoint AS ( \
           INSERT INTO checkpoints (reader, position) SELECT n, 0 FROM unnest($1) AS n \
           ON CONFLICT (reader) DO NOTHING \
         ) \
         INSERT INTO projection_status AS s (name, version) SELECT * FROM unnest($1, $2) \
         ON CONFLICT (name) DO UPDATE SET state = 'live', failed_position = NULL, cause = NULL, updated_at = now() \
         WHERE s.state = 'stopped'",
    )
    .bind(names)
    .bind(versions)
    .execute(connection)
    .await?;
    Ok(())
}

/// Tries a stopped read model again; the runner notices within seconds.
pub async fn resume(executor: impl PgExecutor<'_>, name: &str) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "UPDATE projection_status SET state = 'live', failed_position = NULL, cause = NULL, updated_at = now() \
         WHERE name = $1 AND state = 'stopped'",
    )
    .bind(name)
    .execute(executor)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Stops a read model at an event that it cannot apply. Answers whether it did: one that was switched or moved in the
/// meantime is not what could not apply it.
pub(crate) async fn stop(
    executor: impl PgExecutor<'_>,
    name: &str,
    (believed, generation): (i64, i64),
    position: i64,
    cause: &str,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "UPDATE projection_status SET state = 'stopped', failed_position = $2, cause = $3, updated_at = now() \
         WHERE name = $1 AND EXISTS \
         (SELECT FROM checkpoints WHERE reader = $1 AND position = $4 AND generation = $5)",
    )
    .bind(name)
    .bind(position)
    .bind(cause)
    .bind(believed)
    .bind(generation)
    .execute(executor)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Records that a rebuild has written all rows with the present fold.
pub(crate) async fn rebuilt(connection: &mut PgConnection, model: &ReadModel) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO projection_status (name, version) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE \
         SET version = excluded.version, state = 'live', failed_position = NULL, cause = NULL, updated_at = now()",
    )
    .bind(model.name)
    .bind(model.version)
    .execute(connection)
    .await?;
    Ok(())
}
