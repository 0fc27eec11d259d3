//! The statements of one read model's table: load the touched rows, write them back, all in one go each.

use crate::model::{Decoded, ReadModel, Rows};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::BTreeSet;

/// Where a read model's table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    Read,
    Shadow,
}

impl Schema {
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Shadow => "shadow",
        }
    }
}

/// Why a page did not reach its table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("a row cannot be read or written by the fold")]
    Row(#[from] serde_json::Error),
    #[error("the database refused the rows")]
    Database(#[from] sqlx::Error),
}

/// A read model's table in one of the schemas.
#[derive(Debug)]
pub(crate) struct Table {
    pub model: &'static ReadModel,
    load: String,
    upsert: String,
    delete: String,
}

impl Table {
    pub fn new(model: &'static ReadModel, schema: Schema) -> Self {
        let table = format!("{}.{}", schema.name(), model.name);
        let (key, key_type) = model.key;
        let columns = model.columns.join(", ");
        let assignments: Vec<String> = (model.columns.iter())
            .filter(|column| **column != key)
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let keys = format!("{key} = ANY($1::text[]::{key_type}[])");
        Self {
            model,
            load: format!("SELECT {key}::text, to_jsonb(t) FROM {table} t WHERE {keys}"),
            upsert: format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1) \
                 ON CONFLICT ({key}) DO UPDATE SET {}",
                assignments.join(", ")
            ),
            delete: format!("DELETE FROM {table} WHERE {keys}"),
        }
    }

    /// Folds events into the rows that they touch; inside the caller's transaction.
    pub async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Decoded<'_>],
    ) -> Result<(), ApplyError> {
        if events.is_empty() {
            return Ok(());
        }
        let before = self.load(connection, events).await?;
        let existing: BTreeSet<String> = before.keys().cloned().collect();
        let after = (self.model.fold_page)(before, events)?;
        let mut kept: Vec<Value> = Vec::with_capacity(after.len());
        let mut gone: Vec<String> = Vec::new();
        for (key, row) in after {
            match row {
                Some(row) => kept.push(row),
                None if existing.contains(&key) => gone.push(key),
                None => {}
            }
        }
        if !kept.is_empty() {
            sqlx::query(&self.upsert).bind(Json(kept)).execute(&mut *connection).await?;
        }
        if !gone.is_empty() {
            sqlx::query(&self.delete).bind(gone).execute(&mut *connection).await?;
        }
        Ok(())
    }

    async fn load(&self, connection: &mut PgConnection, events: &[Decoded<'_>]) -> Result<Rows, sqlx::Error> {
        let keys: BTreeSet<String> =
            events.iter().filter_map(|d| (self.model.key_of)(d.envelope, d.event)).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        let rows: Vec<(String, Json<Value>)> =
            sqlx::query_as(&self.load).bind(keys).fetch_all(connection).await?;
        Ok(rows.into_iter().map(|(key, Json(row))| (key, Some(row))).collect())
    }
}
