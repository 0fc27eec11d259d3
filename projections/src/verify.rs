//! Proves that a read model is what its events make it: built again in `shadow`, and compared row by row.

use crate::rebuild::{RebuildError, Shadow, catch_up, forget_checkpoint};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, PgPool};

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verified {
    /// Where both stood when they were compared.
    pub position: i64,
    /// Rows in either table.
    pub rows: i64,
    pub differing: i64,
    /// The first row that differs, by key.
    pub difference: Option<Difference>,
}

/// A row that is not what its events say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    pub key: String,
    /// Absent when the live table lacks it.
    pub live: Option<Value>,
    /// Absent when the live table has a row too many.
    pub rebuilt: Option<Value>,
}

/// Rebuilds the read model up to where the live one stands and compares; nothing live is touched or held up.
pub async fn verify(
    pool: &PgPool,
    name: &str,
    progress: impl Fn(i64, i64),
) -> Result<Verified, RebuildError> {
    let mut shadow = Shadow::create(pool, name).await?;
    let reader = shadow.table.model.name;
    let target = journal::checkpoint::load(pool, reader).await?;
    shadow.build(pool, target, progress).await?;

    let Shadow { owned, table, position } = &mut shadow;
    // One snapshot shows the live rows and the position they belong to.
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = 0";
    let mut transaction = owned.connection().begin_with(begin).await?;
    let live = journal::checkpoint::load(&mut *transaction, reader).await?;
    catch_up(&mut transaction, table, position, live).await?;
    let verified = compare(&mut transaction, table.model.name, table.model.key.0, *position).await?;
    let drop = format!("DROP TABLE shadow.{}", table.model.name);
    sqlx::raw_sql(&drop).execute(&mut *transaction).await?;
    forget_checkpoint(&mut transaction, table.model).await?;
    transaction.commit().await?;
    shadow.owned.release().await;
    Ok(verified)
}

type Pair = (String, Option<Json<Value>>, Option<Json<Value>>);

async fn compare(
    connection: &mut PgConnection,
    name: &str,
    key: &str,
    position: i64,
) -> Result<Verified, sqlx::Error> {
    let joined = format!("read.{name} l FULL JOIN shadow.{name} s USING ({key})");
    let differs = "to_jsonb(l) IS DISTINCT FROM to_jsonb(s)";
    let counts = format!("SELECT count(*), count(*) FILTER (WHERE {differs}) FROM {joined}");
    let (rows, differing): (i64, i64) = sqlx::query_as(&counts).fetch_one(&mut *connection).await?;
    let first = format!(
        "SELECT {key}::text, to_jsonb(l), to_jsonb(s) FROM {joined} WHERE {differs} ORDER BY {key} LIMIT 1"
    );
    let pair: Option<Pair> = sqlx::query_as(&first).fetch_optional(connection).await?;
    let difference = pair.map(|(key, live, rebuilt)| Difference {
        key,
        live: live.map(|Json(row)| row),
        rebuilt: rebuilt.map(|Json(row)| row),
    });
    Ok(Verified { position, rows, differing, difference })
}
