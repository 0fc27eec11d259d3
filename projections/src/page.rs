//! A page of the journal, decoded once for all projections.

use crate::model::{Decoded, ReadModel};
use domain::{DecodeError, Envelope, Event};
use journal::read::{self, ReadError};
use sqlx::PgExecutor;

/// Bounds of a page.
pub(crate) const PAGE_EVENTS: i64 = 1_000;
pub(crate) const CATCH_UP_PAGE_EVENTS: i64 = 5_000;
pub(crate) const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// One position of the journal; the event is absent when nobody asked for its aggregate.
#[derive(Debug)]
pub(crate) struct Entry {
    pub envelope: Envelope,
    event: Option<Result<Event, DecodeError>>,
}

/// What one projection gets of a page.
pub(crate) struct Portion<'a> {
    pub events: Vec<Decoded<'a>>,
    /// The position it has reached once they are applied.
    pub up_to: i64,
    /// The event behind `up_to` that cannot be read.
    pub unreadable: Option<&'a DecodeError>,
}

/// Reads the events behind `after` and decodes those that one of the models wants.
pub(crate) async fn read(
    executor: impl PgExecutor<'_>,
    models: &[&'static ReadModel],
    after: i64,
    limit_events: i64,
) -> Result<Vec<Entry>, ReadError> {
    let events = read::page(executor, after, limit_events, PAGE_BYTES).await?;
    Ok(events.into_iter().map(|envelope| Entry::decoded(envelope, models)).collect())
}

impl Entry {
    fn decoded(envelope: Envelope, models: &[&'static ReadModel]) -> Self {
        let event = models.iter().any(|model| wants(model, &envelope)).then(|| envelope.decode());
        Self { envelope, event }
    }
}

fn wants(model: &ReadModel, envelope: &Envelope) -> bool {
    model.aggregates.contains(&envelope.aggregate_type.as_str())
}

/// The events behind `after` that matter to a model, up to the first one that it cannot read.
pub(crate) fn portion<'a>(entries: &'a [Entry], model: &ReadModel, after: i64) -> Portion<'a> {
    let mut portion = Portion { events: Vec::new(), up_to: after, unreadable: None };
    for Entry { envelope, event } in entries.iter().filter(|entry| entry.envelope.position > after) {
        match event {
            Some(Ok(event)) if wants(model, envelope) => {
                if (model.key_of)(envelope, event).is_some() {
                    portion.events.push(Decoded { envelope, event });
                }
            }
            Some(Err(error)) if wants(model, envelope) => {
                portion.unreadable = Some(error);
                break;
            }
            Some(_) | None => {}
        }
        portion.up_to = envelope.position;
    }
    portion
}
