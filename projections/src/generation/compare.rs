//! A generation against the live table, row by row, at one and the same position.

use super::{Generation, RebuildError};
use crate::model::ReadModel;
use crate::table::Schema;
use journal::checkpoint;
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection};

/// Differing rows that a comparison shows.
const SHOWN: i64 = 5;

/// One snapshot shows the live rows and the position that they belong to; one core is enough for looking.
const BEGIN_STEADY: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = 0; \
    SET LOCAL synchronous_commit = off; SET LOCAL max_parallel_workers_per_gather = 0";

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Where both stood.
    pub position: i64,
    /// Rows in either table.
    pub rows: i64,
    pub differing: i64,
    /// The first differing rows, by key.
    pub differences: Vec<Difference>,
}

/// A row that is not the same in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    pub key: String,
    /// Absent when the live table lacks it.
    pub live: Option<Value>,
    /// Absent when the live table has a row too many.
    pub rebuilt: Option<Value>,
}

impl Generation {
    /// Catches up to where the live table stands and compares; nothing live is touched or held up.
    pub async fn compare(&mut self) -> Result<Comparison, RebuildError> {
        let Self { owned, table, schema, skips, position, .. } = self;
        let name = table.model.name;
        let mut transaction = owned.connection().begin_with(BEGIN_STEADY).await?;
        let live = checkpoint::load(&mut *transaction, name).await?;
        if *position > live {
            return Err(RebuildError::Ahead { name, position: *position, live });
        }
        let reached = Self::catch_up(&mut transaction, (table, skips), (*position, live)).await?;
        let comparison = rows(&mut transaction, table.model, *schema, reached).await?;
        if *schema == Schema::Shadow {
            super::record::advance(&mut transaction, name, *position, reached).await?;
            super::record::compared(&mut *transaction, name, reached, comparison.differing).await?;
        }
        transaction.commit().await?;
        *position = reached;
        Ok(comparison)
    }
}

type Pair = (String, Option<Json<Value>>, Option<Json<Value>>);

async fn rows(
    connection: &mut PgConnection,
    model: &ReadModel,
    schema: Schema,
    position: i64,
) -> Result<Comparison, sqlx::Error> {
    let (name, key, other) = (model.name, model.key.0, schema.name());
    let columns = |table: &str| {
        let columns: Vec<String> = model.columns.iter().map(|column| format!("{table}.{column}")).collect();
        columns.join(", ")
    };
    let joined = format!("read.{name} l FULL JOIN {other}.{name} s USING ({key})");
    let differs = format!("ROW({}) IS DISTINCT FROM ROW({})", columns("l"), columns("s"));
    let counts = format!("SELECT count(*), count(*) FILTER (WHERE {differs}) FROM {joined}");
    let (rows, differing): (i64, i64) = sqlx::query_as(&counts).fetch_one(&mut *connection).await?;
    let mut differences = Vec::new();
    if differing > 0 {
        // A row of nulls is `to_jsonb`'s answer for none at all, hence the keys.
        let first = format!(
            "SELECT {key}::text, CASE WHEN l.{key} IS NOT NULL THEN to_jsonb(l) END, \
             CASE WHEN s.{key} IS NOT NULL THEN to_jsonb(s) END \
             FROM {joined} WHERE {differs} ORDER BY {key} LIMIT $1"
        );
        let pairs: Vec<Pair> = sqlx::query_as(&first).bind(SHOWN).fetch_all(connection).await?;
        differences.extend(pairs.into_iter().map(|(key, live, rebuilt)| Difference {
            key,
            live: live.map(|Json(row)| row),
            rebuilt: rebuilt.map(|Json(row)| row),
        }));
    }
    Ok(Comparison { position, rows, differing, differences })
}
