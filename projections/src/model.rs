//! What a projection is: a pure fold from events to rows. It never sees a database, a clock or another row.

use domain::{Envelope, Event};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// A read model: which row an event touches, and what it makes of it.
pub trait Projection: Send + Sync + 'static {
    /// Also the table's name in the schema `read`, and the reader's name among the checkpoints.
    const NAME: &'static str;
    /// Raised when the fold or the row changes: the rows are then rebuilt.
    const VERSION: i32;
    /// The aggregates whose events matter; an unreadable event of another one does not stop this projection.
    const AGGREGATES: &'static [&'static str];
    /// The primary key: its column and type.
    const KEY: (&'static str, &'static str);
    /// The table's columns; the fields of the row.
    const COLUMNS: &'static [&'static str];
    type Row: Serialize + DeserializeOwned + Send;

    /// The row that an event touches, if any.
    fn key(envelope: &Envelope, event: &Event) -> Option<String>;

    /// The row after the event; `None` when there is none (any more).
    fn fold(row: Option<Self::Row>, envelope: &Envelope, event: &Event) -> Option<Self::Row>;
}

/// An event as the folds get it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoded<'a> {
    pub envelope: &'a Envelope,
    pub event: &'a Event,
}

/// Rows by key, as JSON; `None` where there is no row.
pub(crate) type Rows = BTreeMap<String, Option<Value>>;

type Key = fn(&Envelope, &Event) -> Option<String>;
type FoldPage = for<'a> fn(Rows, &[Decoded<'a>]) -> Result<Rows, serde_json::Error>;

/// A [`Projection`] without its types, so that different ones stand in one list.
#[derive(Debug)]
pub struct ReadModel {
    pub name: &'static str,
    pub version: i32,
    pub aggregates: &'static [&'static str],
    pub(crate) key: (&'static str, &'static str),
    pub(crate) columns: &'static [&'static str],
    pub(crate) key_of: Key,
    pub(crate) fold_page: FoldPage,
}

impl ReadModel {
    pub const fn of<P: Projection>() -> Self {
        Self {
            name: P::NAME,
            version: P::VERSION,
            aggregates: P::AGGREGATES,
            key: P::KEY,
            columns: P::COLUMNS,
            key_of: P::key,
            fold_page: fold_page::<P>,
        }
    }

    /// The read model of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        crate::ALL.iter().find(|model| model.name == name)
    }
}

/// Folds a page into the rows it touches; answers those rows.
fn fold_page<P: Projection>(rows: Rows, events: &[Decoded<'_>]) -> Result<Rows, serde_json::Error> {
    let mut typed: BTreeMap<String, Option<P::Row>> = BTreeMap::new();
    for (key, row) in rows {
        typed.insert(key, row.map(serde_json::from_value).transpose()?);
    }
    for Decoded { envelope, event } in events {
        if let Some(key) = P::key(envelope, event) {
            let slot = typed.entry(key).or_default();
            *slot = P::fold(slot.take(), envelope, event);
        }
    }
    typed.into_iter().map(|(key, row)| Ok((key, row.map(serde_json::to_value).transpose()?))).collect()
}
