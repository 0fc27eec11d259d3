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

/// On what a statement depends that is part of a larger one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Provided {
    Always,
    /// A table of one row, whose column `yes` says it.
    If(&'static str),
}

/// A read model's table in one of the schemas.
#[derive(Debug)]
pub(crate) struct Table {
    pub model: &'static ReadModel,
    load: String,
    /// Of the same table, for [`Table::upsert`].
    name: String,
    casts: String,
    assignments: String,
    keys: String,
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
        let assignments: Vec<String> = (model.columns.iter())
            .filter(|column| **column != key)
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        // A column that the table lacks makes the upsert fail by its name.
        let casts: Vec<String> = (model.columns.iter())
            .map(|column| format!("u.{column}::{}", types.get(*column).map_or("text", String::as_str)))
            .collect();
        let keys = format!("::text[]::{key_type}[]");
        Self {
            model,
            load: format!(
                "SELECT {key}::text, row_to_json(t)::text FROM {table} t WHERE {key} = ANY($1{keys})"
            ),
            name: table,
            casts: casts.join(", "),
            assignments: assignments.join(", "),
            keys,
        }
    }

    /// Writes rows that come as one array of texts for each column, the first one as parameter `first`.
    pub fn upsert(&self, first: usize, provided: Provided) -> String {
        let Self { model, name, casts, assignments, .. } = self;
        let columns = model.columns.join(", ");
        let arrays: Vec<String> =
            (first..first + model.columns.len()).map(|n| format!("${n}::text[]")).collect();
        let arrays = arrays.join(", ");
        let condition = match provided {
            Provided::Always => String::new(),
            Provided::If(table) => format!(", {table} WHERE {table}.yes"),
        };
        format!(
            "INSERT INTO {name} ({columns}) SELECT {casts} FROM unnest({arrays}) AS u({columns}){condition} \
             ON CONFLICT ({key}) DO UPDATE SET {assignments}",
            key = model.key.0,
        )
    }

    /// Removes the rows whose keys are in an array, the given parameter.
    pub fn delete(&self, parameter: usize, provided: Provided) -> String {
        let Self { model, name, keys, .. } = self;
        let condition = match provided {
            Provided::Always => String::new(),
            Provided::If(table) => format!(" AND (SELECT yes FROM {table})"),
        };
        format!("DELETE FROM {name} WHERE {key} = ANY(${parameter}{keys}){condition}", key = model.key.0)
    }

    /// Folds events into the rows that they touch; inside the caller's transaction.
    pub async fn apply(
        &self,
        connection: &mut PgConnection,
        events: &[Decoded<'_>],
    ) -> Result<(), ApplyError> {
        let before = self.load(connection, self.touched(events)).await?;
        let Folded { columns, rows, gone, .. } = (self.model.fold_page)(before, events, false)?;
        if rows > 0 {
            let statement = self.upsert(1, Provided::Always);
            let mut upsert = sqlx::query(&statement);
            for column in columns {
                upsert = upsert.bind(column);
            }
            upsert.execute(&mut *connection).await?;
        }
        if !gone.is_empty() {
            let statement = self.delete(1, Provided::Always);
            sqlx::query(&statement).bind(gone).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The keys of the rows that the events touch, but for those whose first event makes them anew.
    pub fn touched<'e>(&self, events: &'e [Decoded<'_>]) -> Vec<&'e str> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut keys: Vec<&str> = Vec::new();
        for Decoded { key, event, .. } in events {
            if seen.insert(key) && !(self.model.opens)(event) {
                keys.push(key);
            }
        }
        keys
    }

    /// The rows that are there, by key, as JSON.
    pub async fn load(
        &self,
        connection: &mut PgConnection,
        keys: Vec<&str>,
    ) -> Result<Vec<(String, String)>, sqlx::Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        sqlx::query_as(&self.load).bind(keys).fetch_all(connection).await
    }
}
