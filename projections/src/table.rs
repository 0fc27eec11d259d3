//! The statements of one read model's table: load the touched rows, write them back, all in one go each.

use crate::fold::{Decoded, Folded};
use crate::model::ReadModel;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// Where a read model's table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Live.
    Read,
    /// The second generation.
    Shadow,
    /// Only for a verification.
    Scratch,
}

impl Schema {
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Shadow => "shadow",
            Self::Scratch => "scratch",
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

impl ApplyError {
    /// Whether trying again would fail again: bad data, a violated constraint, a table that does not fit the code.
    pub fn is_poison(&self) -> bool {
        match self {
            Self::Row(_) => true,
            Self::Database(error) => refuses_for_good(error),
        }
    }
}

pub(crate) fn refuses_for_good(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["21", "22", "23", "42"].iter().any(|class| code.starts_with(class)))
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
    /// Asks the database for the types of the columns: the live table's, which the others are copies of.
    pub async fn new(
        connection: &mut PgConnection,
        model: &'static ReadModel,
        schema: Schema,
    ) -> Result<Self, sqlx::Error> {
        let types: Vec<(String, String)> = sqlx::query_as(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
        )
        .bind(format!("read.{}", model.name))
        .fetch_all(connection)
        .await?;
        Ok(Self::with_types(model, schema, &types.into_iter().collect()))
    }

    fn with_types(model: &'static ReadModel, schema: Schema, types: &HashMap<String, String>) -> Self {
        let table = format!("{}.{}", schema.name(), model.name);
        let (key, key_type) = model.key;
        let columns = model.columns.join(", ");
        let assignments: Vec<String> = (model.columns.iter())
            .filter(|column| **column != key)
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        // A column that the table lacks makes the upsert fail by its name.
        let casts: Vec<String> = (model.columns.iter())
            .map(|column| format!("u.{column}::{}", types.get(*column).map_or("text", String::as_str)))
            .collect();
        let arrays: Vec<String> = (1..=model.columns.len()).map(|n| format!("${n}::text[]")).collect();
        let keys = format!("{key} = ANY($1::text[]::{key_type}[])");
        Self {
            model,
            load: format!("SELECT {key}::text, row_to_json(t)::text FROM {table} t WHERE {keys}"),
            upsert: format!(
                "INSERT INTO {table} ({columns}) SELECT {} FROM unnest({}) AS u({columns}) \
                 ON CONFLICT ({key}) DO UPDATE SET {}",
                casts.join(", "),
                arrays.join(", "),
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
        let Folded { columns, rows, gone } = (self.model.fold_page)(before, events)?;
        if rows > 0 {
            let mut upsert = sqlx::query(&self.upsert);
            for column in columns {
                upsert = upsert.bind(column);
            }
            upsert.execute(&mut *connection).await?;
        }
        if !gone.is_empty() {
            sqlx::query(&self.delete).bind(gone).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The rows that the events touch, but for those whose first event makes them anew.
    async fn load(
        &self,
        connection: &mut PgConnection,
        events: &[Decoded<'_>],
    ) -> Result<Vec<(String, String)>, sqlx::Error> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut keys: Vec<&str> = Vec::new();
        for Decoded { key, event, .. } in events {
            if seen.insert(key) && !(self.model.opens)(event) {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query_as(&self.load).bind(keys).fetch_all(connection).await
    }
}
