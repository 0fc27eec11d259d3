//! What came after a position. The only way to read the journal in order.

use super::{ReadError, columns, envelope};
use crate::leaf::Hash;
use domain::Envelope;
use futures::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};

/// An event together with the hash that was stored beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    pub envelope: Envelope,
    pub leaf_hash: Hash,
}

/// The last position given; 0 for an empty journal.
pub async fn head(executor: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events").fetch_one(executor).await
}

const PAGE: &str =
    concat!("SELECT ", columns!(), " FROM events WHERE position >= $1 ORDER BY position LIMIT $2");

const STORED_PAGE: &str =
    concat!("SELECT ", columns!(), ", leaf_hash FROM events WHERE position >= $1 ORDER BY position LIMIT $2");

/// The events behind `after`, in order and without a gap: at most `limit_events`, and no more once their JSON
/// exceeds `limit_bytes` (so at least one, however large).
///
/// The event at `after` must be there as well: a reader that is ahead of the journal, since an older backup was
/// restored beneath it, would otherwise wait in silence and then skip what is written anew.
pub async fn page(
    executor: impl PgExecutor<'_>,
    after: i64,
    limit_events: i64,
    limit_bytes: usize,
) -> Result<Vec<Envelope>, ReadError> {
    page_of(executor, after, (limit_events, limit_bytes), envelope).await
}

/// As [`page`], with each row read as the caller wants it.
pub(crate) async fn page_of<T>(
    executor: impl PgExecutor<'_>,
    after: i64,
    limits: (i64, usize),
    decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, ReadError> {
    bounded(executor, PAGE, after, limits, decode).await
}

/// As [`page`], with the stored hashes.
pub async fn stored_page(
    executor: impl PgExecutor<'_>,
    after: i64,
    limit_events: i64,
    limit_bytes: usize,
) -> Result<Vec<StoredEvent>, ReadError> {
    bounded(executor, STORED_PAGE, after, (limit_events, limit_bytes), stored).await
}

pub(super) fn stored(row: &PgRow) -> Result<StoredEvent, sqlx::Error> {
    Ok(StoredEvent { envelope: envelope(row)?, leaf_hash: row.try_get("leaf_hash")? })
}

async fn bounded<T>(
    executor: impl PgExecutor<'_>,
    statement: &'static str,
    after: i64,
    (limit_events, limit_bytes): (i64, usize),
    decode: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, ReadError> {
    let limit = limit_events.saturating_add(i64::from(after > 0));
    let mut rows = sqlx::query(statement).bind(after).bind(limit).fetch(executor);
    if after > 0 {
        let read_before = rows.try_next().await?.map(|row| row.try_get("position")).transpose()?;
        if read_before != Some(after) {
            return Err(ReadError::Gap { expected: after, found: read_before.unwrap_or(0) });
        }
    }
    let (mut events, mut positions) = (Vec::new(), Vec::<i64>::new());
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        bytes += json_bytes(&row)?;
        positions.push(row.try_get("position")?);
        events.push(decode(&row)?);
        if bytes > limit_bytes {
            break;
        }
    }
    contiguous(after, positions)?;
    Ok(events)
}

fn json_bytes(row: &PgRow) -> Result<usize, sqlx::Error> {
    let length = |column| -> Result<usize, sqlx::Error> {
        Ok(row.try_get_raw(column)?.as_bytes().map_err(sqlx::Error::Decode)?.len())
    };
    Ok(length("payload")? + length("metadata")?)
}

/// Every reader's assertion: the first position is `after + 1`, and none is missing.
pub fn contiguous(after: i64, positions: impl IntoIterator<Item = i64>) -> Result<(), ReadError> {
    let mut expected = after;
    for found in positions {
        expected += 1;
        if found != expected {
            return Err(ReadError::Gap { expected, found });
        }
    }
    Ok(())
}

/// The events `first..=last`, without a gap.
pub async fn range(executor: impl PgExecutor<'_>, first: i64, last: i64) -> Result<Vec<Envelope>, ReadError> {
    page(executor, first - 1, last - first + 1, usize::MAX).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_stops_the_reader_at_the_missing_position() {
        contiguous(0, []).unwrap();
        contiguous(0, [1, 2, 3]).unwrap();
        contiguous(41, [42]).unwrap();
        for (after, positions, missing) in
            [(0, vec![2], 1), (0, vec![1, 3], 2), (7, vec![8, 8], 9), (7, vec![7], 8), (7, vec![9, 8], 8)]
        {
            match contiguous(after, positions.clone()) {
                Err(ReadError::Gap { expected, .. }) => assert_eq!(expected, missing),
                other => panic!("{positions:?} after {after}: {other:?}"),
            }
        }
    }
}
