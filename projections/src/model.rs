//! What a projection is: a pure fold from events to rows. It never sees a database, a clock or another row.

use crate::fold::{self, Decoded, Folded};
use domain::{Envelope, Event};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

/// Where and when an event was recorded: all that a fold learns beside the event itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub position: i64,
    pub aggregate_type: String,
    pub aggregate_id: String,
    /// The writer's clock; information, never order.
    pub recorded_at: OffsetDateTime,
}

impl Place {
    pub fn of(envelope: &Envelope) -> Self {
        Self {
            position: envelope.position,
            aggregate_type: envelope.aggregate_type.clone(),
            aggregate_id: envelope.aggregate_id.clone(),
            recorded_at: envelope.recorded_at,
        }
    }
}

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
    fn key(place: &Place, event: &Event) -> Option<String>;

    /// Whether the fold of this event never looks at the row before it, so that the row need not be read.
    fn opens(event: &Event) -> bool {
        let _ = event;
        false
    }

    /// The row after the event; `None` when there is none (any more).
    fn fold(row: Option<Self::Row>, place: &Place, event: &Event) -> Option<Self::Row>;
}

type Key = fn(&Place, &Event) -> Option<String>;
type Opens = fn(&Event) -> bool;
type FoldPage = fn(Vec<(String, String)>, &[Decoded<'_>], bool) -> Result<Folded, serde_json::Error>;

/// A [`Projection`] without its types, so that different ones stand in one list.
#[derive(Debug)]
pub struct ReadModel {
    pub name: &'static str,
    pub version: i32,
    pub aggregates: &'static [&'static str],
    pub(crate) key: (&'static str, &'static str),
    pub(crate) columns: &'static [&'static str],
    pub(crate) key_of: Key,
    pub(crate) opens: Opens,
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
            opens: P::opens,
            fold_page: fold::page::<P>,
        }
    }

    /// The read model of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        crate::ALL.iter().find(|model| model.name == name)
    }
}
