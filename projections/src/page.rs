//! A page of the journal, decoded once for all projections.
//!
//! Payloads that no projection wants stay in the database; their positions come along, so that a gap is noticed.

use crate::decode::Stored;
use crate::fold::Decoded;
use crate::model::{Place, ReadModel};
use crate::skips::Skips;
use domain::{DecodeError, Event};
use futures::TryStreamExt;
use journal::read::{ReadError, contiguous};
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgExecutor, Row};
use std::collections::BTreeSet;

/// Bounds of a page: of the live runner, and of one that has a long way to go.
pub(crate) const PAGE_EVENTS: i64 = 1_000;
pub(crate) const CATCH_UP_PAGE_EVENTS: i64 = 4_000;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

const PAGE: &str = "SELECT position, aggregate_type, aggregate_id, event_type, event_version, recorded_at, \
    CASE WHEN position > $1 AND aggregate_type = ANY($3) THEN payload END AS payload \
    FROM events WHERE position >= $1 ORDER BY position LIMIT $2";

/// One position of the journal; the event is absent when nobody asked for its aggregate.
#[derive(Debug)]
pub(crate) struct Entry {
    pub place: Place,
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

/// The aggregates that at least one of the models wants.
pub(crate) fn wanted(models: impl IntoIterator<Item = &'static ReadModel>) -> Vec<&'static str> {
    let all: BTreeSet<&str> = models.into_iter().flat_map(|model| model.aggregates).copied().collect();
    all.into_iter().collect()
}

/// Reads the events behind `after`, in order and without a gap, and decodes those of the wanted aggregates.
///
/// At most `limit_events`, and no more once their payloads exceed the page's bytes. The event at `after` must be
/// there as well: see [`journal::read::page`].
pub(crate) async fn read(
    executor: impl PgExecutor<'_>,
    wanted: &[&'static str],
    after: i64,
    limit_events: i64,
) -> Result<Vec<Entry>, ReadError> {
    let limit = limit_events.saturating_add(i64::from(after > 0));
    let mut rows = sqlx::query(PAGE).bind(after).bind(limit).bind(wanted).fetch(executor);
    if after > 0 {
        let read_before = rows.try_next().await?.map(|row| row.try_get(0)).transpose()?;
        if read_before != Some(after) {
            return Err(ReadError::Gap { expected: after, found: read_before.unwrap_or(0) });
        }
    }
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        let (entry, length) = entry(&row)?;
        contiguous(after + i64::try_from(entries.len()).unwrap_or(i64::MAX), [entry.place.position])?;
        bytes += length;
        entries.push(entry);
        if bytes > PAGE_BYTES {
            break;
        }
    }
    Ok(entries)
}

fn entry(row: &PgRow) -> Result<(Entry, usize), sqlx::Error> {
    let place = Place {
        position: row.try_get(0)?,
        aggregate_type: row.try_get(1)?,
        aggregate_id: row.try_get(2)?,
        recorded_at: row.try_get(5)?,
    };
    let payload: Option<Json<&RawValue>> = row.try_get(6)?;
    let Some(Json(payload)) = payload else { return Ok((Entry { place, event: None }, 0)) };
    let stored = Stored {
        position: place.position,
        aggregate_type: &place.aggregate_type,
        event_type: row.try_get(3)?,
        event_version: row.try_get(4)?,
        payload,
    };
    let event = Some(stored.decode());
    Ok((Entry { place, event }, payload.get().len()))
}

fn wants(model: &ReadModel, place: &Place) -> bool {
    model.aggregates.contains(&place.aggregate_type.as_str())
}

/// The events behind `after` that matter to a model, up to the first one that it cannot read; without those that
/// an operator left out.
pub(crate) fn portion<'a>(entries: &'a [Entry], model: &ReadModel, after: i64, skips: &Skips) -> Portion<'a> {
    let mut portion = Portion { events: Vec::new(), up_to: after, unreadable: None };
    for Entry { place, event } in entries.iter().filter(|entry| entry.place.position > after) {
        match event {
            Some(_) if !wants(model, place) || skips.contains(&place.position) => {}
            Some(Ok(event)) => {
                if let Some(key) = (model.key_of)(place, event) {
                    portion.events.push(Decoded { key, place, event });
                }
            }
            Some(Err(error)) => {
                portion.unreadable = Some(error);
                break;
            }
            None => {}
        }
        portion.up_to = place.position;
    }
    portion
}
