//! A second generation of a read model: a table beside the live one, with a position of its own.
//!
//! | file | what it does |
//! |---|---|
//! | `record.rs` | what the database knows of it: version, state, position, the last comparison |
//! | `open.rs` | takes one up where it was left, or begins a new one |
//! | `build.rs` | applies the journal to one or several, page by page |
//! | `compare.rs` | row by row against the live table |
//! | `switch.rs` | changes places with the live table, in one transaction |
//!
//! Whoever works on one holds the lock `shadow:<name>`: so no two rebuild, compare or switch the same read model.

pub(crate) mod build;
pub(crate) mod compare;
pub(crate) mod open;
pub(crate) mod record;
pub(crate) mod switch;

use crate::fold::Decoded;
use crate::page::{self, Entry};
use crate::rebuild::RebuildError;
use crate::skips::Skips;
use crate::table::{ApplyError, Schema, Table, refuses_for_good};
use domain::DecodeError;
use journal::owner::Owned;
use sqlx::{Connection, PgConnection};

/// A crash only repeats the page.
const BEGIN_LAZY: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// A table under construction, its position, and the connection that builds it.
pub(crate) struct Generation {
    pub owned: Owned,
    pub table: Table,
    pub schema: Schema,
    pub skips: Skips,
    pub position: i64,
    /// Where the present build ends.
    pub target: i64,
    /// Why it goes no further; the others of the same build do.
    pub failed: Option<RebuildError>,
}

impl Generation {
    pub fn name(&self) -> &'static str {
        self.table.model.name
    }

    /// Applies what lies between its position and its target; rows and position commit together.
    pub async fn apply(&mut self, entries: &[Entry]) -> Result<(), RebuildError> {
        let entries = self.due(entries);
        let after = self.position;
        let portion = page::portion(entries, self.table.model, after, &self.skips);
        let unreadable = portion.unreadable.map(|error| self.unreadable(error));
        if portion.up_to > after {
            match self.commit(&portion.events, portion.up_to).await {
                Ok(()) => {}
                Err(error) if error.is_poison() => return self.one_by_one(entries).await,
                Err(error) => return Err(self.refused(after + 1, error)),
            }
        }
        unreadable.map_or(Ok(()), Err)
    }

    fn due<'a>(&self, entries: &'a [Entry]) -> &'a [Entry] {
        let end = entries.partition_point(|entry| entry.place.position <= self.target);
        let start = entries.partition_point(|entry| entry.place.position <= self.position);
        &entries[start.min(end)..end]
    }

    async fn commit(&mut self, events: &[Decoded<'_>], up_to: i64) -> Result<(), ApplyError> {
        let mut transaction = self.owned.connection().begin_with(BEGIN_LAZY).await?;
        if self.schema == Schema::Shadow {
            record::advance(&mut transaction, self.table.model.name, self.position, up_to).await?;
        }
        self.table.apply(&mut transaction, events).await?;
        transaction.commit().await?;
        self.position = up_to;
        Ok(())
    }

    /// Finds the event that cannot be applied, and keeps everything before it.
    async fn one_by_one(&mut self, entries: &[Entry]) -> Result<(), RebuildError> {
        for entry in entries {
            let model = self.table.model;
            let portion = page::portion(std::slice::from_ref(entry), model, self.position, &self.skips);
            if let Some(error) = portion.unreadable {
                return Err(self.unreadable(error));
            }
            if let Err(error) = self.commit(&portion.events, portion.up_to).await {
                return Err(self.refused(entry.place.position, error));
            }
        }
        Ok(())
    }

    /// Applies, inside the caller's transaction on its own connection, what lies between its position and
    /// `target`; answers where that ends. The position itself moves only once the caller has committed.
    async fn catch_up(
        connection: &mut PgConnection,
        (table, skips): (&Table, &Skips),
        (mut position, target): (i64, i64),
    ) -> Result<i64, RebuildError> {
        let wanted = page::wanted([table.model]);
        while position < target {
            let limit = (target - position).min(page::CATCH_UP_PAGE_EVENTS);
            let entries = page::read(&mut *connection, &wanted, position, limit).await?;
            let portion = page::portion(&entries, table.model, position, skips);
            if let Some(error) = portion.unreadable {
                return Err(unreadable(table.model.name, error));
            }
            if portion.up_to == position {
                break;
            }
            table
                .apply(connection, &portion.events)
                .await
                .map_err(|error| refused(table.model.name, position + 1, error))?;
            position = portion.up_to;
        }
        Ok(position)
    }

    fn unreadable(&self, error: &DecodeError) -> RebuildError {
        unreadable(self.name(), error)
    }

    fn refused(&self, position: i64, error: ApplyError) -> RebuildError {
        refused(self.name(), position, error)
    }
}

/// The page keeps its errors; a caller's error gets the same facts.
fn unreadable(name: &'static str, error: &DecodeError) -> RebuildError {
    let source = DecodeError {
        position: error.position,
        aggregate_type: error.aggregate_type.clone(),
        event_type: error.event_type.clone(),
        event_version: error.event_version.clone(),
        source: error.source.as_ref().map(serde::de::Error::custom),
    };
    RebuildError::Event { name, position: error.position, source: Box::new(source) }
}

fn refused(name: &'static str, position: i64, error: ApplyError) -> RebuildError {
    match error {
        ApplyError::Database(sqlx::Error::RowNotFound) => RebuildError::Taken(name),
        ApplyError::Database(error) if !refuses_for_good(&error) => error.into(),
        other => RebuildError::Event { name, position, source: Box::new(other) },
    }
}
