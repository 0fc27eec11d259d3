//! Streams, correlations, and the journal as it was at a time.

use super::page::{StoredEvent, stored};
use super::{HISTORY_EVENTS_MAX, ReadError, columns, envelope, envelopes, not_too_many};
use domain::Envelope;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// One event by its position.
pub async fn event(executor: impl PgExecutor<'_>, position: i64) -> Result<Option<Envelope>, ReadError> {
    let row = sqlx::query(concat!("SELECT ", columns!(), " FROM events WHERE position = $1"))
        .bind(position)
        .fetch_optional(executor)
        .await?;
    Ok(row.as_ref().map(envelope).transpose()?)
}

/// The events at these positions, in order; each must be there. `positions` ascend.
pub async fn events(executor: impl PgExecutor<'_>, positions: &[i64]) -> Result<Vec<Envelope>, ReadError> {
    let statement =
        concat!("SELECT ", columns!(), " FROM events WHERE position = ANY ($1) ORDER BY position");
    let rows = sqlx::query(statement).bind(positions).fetch_all(executor).await?;
    let found = envelopes(&rows)?;
    let mut there = found.iter().map(|event| event.position);
    for expected in positions {
        let next = there.next();
        if next != Some(*expected) {
            return Err(ReadError::Gap { expected: *expected, found: next.unwrap_or(0) });
        }
    }
    Ok(found)
}

/// All events of one aggregate, in order.
pub async fn stream(
    executor: impl PgExecutor<'_>,
    aggregate_type: &str,
    aggregate_id: &str,
) -> Result<Vec<Envelope>, ReadError> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 ORDER BY sequence LIMIT $3"
    ))
    .bind(aggregate_type)
    .bind(aggregate_id)
    .bind(HISTORY_EVENTS_MAX + 1)
    .fetch_all(executor)
    .await?;
    envelopes(&rows)
}

/// The events of one aggregate that have one of these types, in order.
pub async fn stream_of_types(
    executor: impl PgExecutor<'_>,
    aggregate_type: &str,
    aggregate_id: &str,
    event_types: &[&str],
) -> Result<Vec<Envelope>, ReadError> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND event_type = ANY($3)",
        " ORDER BY sequence LIMIT $4"
    ))
    .bind(aggregate_type)
    .bind(aggregate_id)
    .bind(event_types)
    .bind(HISTORY_EVENTS_MAX + 1)
    .fetch_all(executor)
    .await?;
    envelopes(&rows)
}

/// Everything that one request caused, in order.
pub async fn by_correlation(
    executor: impl PgExecutor<'_>,
    correlation_id: Uuid,
) -> Result<Vec<Envelope>, ReadError> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM events WHERE metadata ->> 'correlation_id' = $1 ORDER BY position LIMIT $2"
    ))
    .bind(correlation_id.to_string())
    .bind(HISTORY_EVENTS_MAX + 1)
    .fetch_all(executor)
    .await?;
    envelopes(&rows)
}

/// The events of several streams (type, id) with their stored hashes, in journal order, up to a position.
pub async fn history(
    executor: impl PgExecutor<'_>,
    streams: &[(String, String)],
    up_to: Option<i64>,
) -> Result<Vec<StoredEvent>, ReadError> {
    let (types, ids) = columns_of(streams);
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        ", leaf_hash FROM unnest($1, $2) AS s(aggregate_type, aggregate_id) JOIN events USING (aggregate_type, aggregate_id)",
        " WHERE position <= $3 ORDER BY position LIMIT $4"
    ))
    .bind(types)
    .bind(ids)
    .bind(up_to.unwrap_or(i64::MAX))
    .bind(HISTORY_EVENTS_MAX + 1)
    .fetch_all(executor)
    .await?;
    not_too_many(&rows, stored)
}

/// The last position in any of the streams; 0 if all are empty.
pub async fn last_position(
    executor: impl PgExecutor<'_>,
    streams: &[(String, String)],
) -> Result<i64, ReadError> {
    let (types, ids) = columns_of(streams);
    let position: Option<i64> = sqlx::query_scalar(
        "SELECT max(last.position) FROM unnest($1, $2) AS s(aggregate_type, aggregate_id) \
         CROSS JOIN LATERAL (SELECT e.position FROM events e WHERE e.aggregate_type = s.aggregate_type \
         AND e.aggregate_id = s.aggregate_id ORDER BY e.sequence DESC LIMIT 1) last",
    )
    .bind(types)
    .bind(ids)
    .fetch_one(executor)
    .await?;
    Ok(position.unwrap_or(0))
}

fn columns_of(streams: &[(String, String)]) -> (Vec<&str>, Vec<&str>) {
    streams.iter().map(|(aggregate_type, id)| (aggregate_type.as_str(), id.as_str())).unzip()
}

/// The last position recorded at or before a time; 0 if there is none.
///
/// A binary search, since no index over times is kept. Writers' clocks may differ: near the time, an event of a
/// writer whose clock is behind counts as its neighbours do.
pub async fn position_at(pool: &PgPool, time: OffsetDateTime) -> Result<i64, ReadError> {
    let (mut before, mut after) = (0, super::head(pool).await? + 1);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let recorded_at: Option<OffsetDateTime> =
            sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
                .bind(middle)
                .fetch_optional(pool)
                .await?;
        match recorded_at {
            Some(recorded_at) if recorded_at <= time => before = middle,
            Some(_) => after = middle,
            None => return Err(ReadError::Gap { expected: middle, found: after }),
        }
    }
    Ok(before)
}
