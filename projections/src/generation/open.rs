//! Takes up a second generation where it was left, or begins a new one.

use super::record::{self, Second, Stage};
use super::{Generation, RebuildError};
use crate::model::ReadModel;
use crate::skips;
use crate::table::{Schema, Table};
use journal::owner::{self, Owned};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;

/// A killed process's lock goes when the server notices: so long one waits before the read model counts as busy.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(250);

/// Takes up what an interrupted rebuild left, if the same fold built it in a table of today's shape; begins anew
/// otherwise. One that was kept counts as left only to `adopt_kept`.
pub(crate) async fn resume_or_begin(
    pool: &PgPool,
    name: &str,
    adopt_kept: bool,
) -> Result<Generation, RebuildError> {
    let (model, mut owned) = lock(pool, name).await?;
    let left = record::find(owned.connection(), name)
        .await?
        .filter(|second| second.version == model.version && (second.stage != Stage::Kept || adopt_kept));
    let shape = same_shape(owned.connection(), name).await?;
    let position = if let Some(second) = left.filter(|_| shape) {
        tracing::info!(projection.name = name, position = second.position, "the rebuild is taken up");
        record::set_stage(owned.connection(), name, Stage::Building).await?;
        second.position
    } else {
        begin(owned.connection(), model).await?;
        0
    };
    generation(owned, model, Schema::Shadow, position).await
}

/// The generation that is there and is at one of these stages; it must fit this release.
pub(crate) async fn existing(
    pool: &PgPool,
    name: &str,
    stages: &[Stage],
) -> Result<(Generation, Second), RebuildError> {
    let (model, mut owned) = lock(pool, name).await?;
    let found = record::find(owned.connection(), name).await?;
    let Some(second) = found.filter(|second| stages.contains(&second.stage)) else {
        return Err(RebuildError::NoGeneration { name: model.name, wanted: stages.to_vec() });
    };
    if second.version != model.version {
        return Err(RebuildError::OtherFold {
            name: model.name,
            version: second.version,
            ours: model.version,
        });
    }
    if !same_shape(owned.connection(), name).await? {
        return Err(RebuildError::OtherShape(model.name));
    }
    let generation = generation(owned, model, Schema::Shadow, second.position).await?;
    Ok((generation, second))
}

/// An empty table that nobody will take up: for a verification.
pub(crate) async fn disposable(pool: &PgPool, name: &str) -> Result<Generation, RebuildError> {
    let (model, mut owned) = lock(pool, name).await?;
    let statement = format!(
        "SET client_min_messages = warning; DROP TABLE IF EXISTS scratch.{name}; \
         CREATE UNLOGGED TABLE scratch.{name} (LIKE read.{name} INCLUDING ALL)"
    );
    sqlx::raw_sql(&statement).execute(owned.connection()).await?;
    generation(owned, model, Schema::Scratch, 0).await
}

/// Drops the second generation, whatever its stage; answers whether there was one.
pub(crate) async fn discard(pool: &PgPool, name: &str) -> Result<bool, RebuildError> {
    let (_, mut owned) = lock(pool, name).await?;
    let mut transaction = owned.connection().begin().await?;
    sqlx::raw_sql(&format!("SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS shadow.{name}"))
        .execute(&mut *transaction)
        .await?;
    let was = record::forget(&mut *transaction, name).await?;
    transaction.commit().await?;
    owned.release().await;
    Ok(was)
}

async fn lock(pool: &PgPool, name: &str) -> Result<(&'static ReadModel, Owned), RebuildError> {
    let model = ReadModel::named(name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
    let lock = format!("shadow:{name}");
    for _ in 0..LOCK_TRIES {
        if let Some(owned) = owner::try_acquire(pool, &lock).await? {
            return Ok((model, owned));
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Err(RebuildError::Busy(model.name))
}

/// An empty second generation, in place of any other.
pub(crate) async fn begin(connection: &mut PgConnection, model: &ReadModel) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let statement = format!(
        "SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS shadow.{0}; \
         CREATE TABLE shadow.{0} (LIKE read.{0} INCLUDING ALL)",
        model.name
    );
    sqlx::raw_sql(&statement).execute(&mut *transaction).await?;
    record::begin(&mut transaction, model).await?;
    transaction.commit().await
}

async fn generation(
    mut owned: Owned,
    model: &'static ReadModel,
    schema: Schema,
    position: i64,
) -> Result<Generation, RebuildError> {
    let table = Table::new(owned.connection(), model, schema).await?;
    let skips = skips::all(owned.connection(), model.name).await?;
    Ok(Generation { owned, table, schema, skips, position, target: position, failed: None })
}

/// Whether both tables have the same columns and indexes: a migration changes only the live one.
async fn same_shape(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "WITH shape AS ( \
           SELECT c.relnamespace::regnamespace::text AS place, \
             (SELECT array_agg((a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull)::text \
                ORDER BY a.attname) FROM pg_attribute a \
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns, \
             (SELECT array_agg(d ORDER BY d) FROM pg_index i, LATERAL regexp_replace( \
                pg_get_indexdef(i.indexrelid), 'INDEX .* ON [^ ]+ USING', 'USING') AS d \
              WHERE i.indrelid = c.oid) AS indexes \
           FROM pg_class c WHERE c.oid IN (to_regclass('read.' || $1), to_regclass('shadow.' || $1)) \
         ) SELECT EXISTS (SELECT FROM shape l JOIN shape s ON l.place = 'read' AND s.place = 'shadow' \
           AND l.columns = s.columns AND l.indexes IS NOT DISTINCT FROM s.indexes)",
    )
    .bind(name)
    .fetch_one(connection)
    .await
}
