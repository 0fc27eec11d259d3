//! Journals that are there before the clock starts: true rows with true hashes, by COPY instead of through the door.

use crate::Outcome;
use crate::door::draft_event;
use cqrs_es::DomainEvent;
use domain::{AccountId, DraftId, Envelope};
use journal::leaf::leaf_hash;
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::BTreeMap;
use std::fmt::Write;
use time::OffsetDateTime;
use uuid::Uuid;

const CHUNK_BYTES: usize = 1024 * 1024;
const COPY: &str = "COPY events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
                    metadata, position, recorded_at, leaf_hash) FROM STDIN";

/// The drafts that a fill made, for doors that go on with them.
pub struct Drafts {
    pub owner: AccountId,
    pub ids: Vec<DraftId>,
}

/// Appends drafts of `stream_events` events each, about as many events as asked for. Streams lie beside each other.
pub async fn drafts(url: &str, events: i64, stream_events: u32) -> Outcome<Drafts> {
    let pool = PgPool::connect(url).await?;
    let first: i64 =
        sqlx::query_scalar("SELECT coalesce(max(position), 0) + 1 FROM events").fetch_one(&pool).await?;
    let owner = AccountId(Uuid::new_v4());
    let streams = events / i64::from(stream_events);
    let ids: Vec<DraftId> = (0..streams).map(|_| DraftId(Uuid::new_v4())).collect();
    let rows = ids.iter().flat_map(|id| (1..=stream_events).map(move |sequence| (*id, sequence)));
    let rows = (first..).zip(rows).map(|(position, (id, sequence))| {
        let event = draft_event(owner, sequence);
        Ok(Envelope {
            position,
            aggregate_type: "draft".to_owned(),
            aggregate_id: id.to_string(),
            sequence: i64::from(sequence),
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: serde_json::to_value(event)?,
            metadata: metadata(owner),
            recorded_at: now(),
        })
    });
    copy(&pool, rows).await?;
    pool.close().await;
    analyze(url).await?;
    Ok(Drafts { owner, ids })
}

/// Writes the rows as they come.
pub async fn copy(pool: &PgPool, rows: impl Iterator<Item = Outcome<Envelope>>) -> Outcome<()> {
    let mut sink = pool.copy_in_raw(COPY).await?;
    let mut chunk = String::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
    for row in rows {
        write_row(&mut chunk, &row?)?;
        if chunk.len() >= CHUNK_BYTES {
            sink.send(chunk.as_bytes()).await?;
            chunk.clear();
        }
    }
    sink.send(chunk.as_bytes()).await?;
    sink.finish().await?;
    Ok(())
}

fn write_row(text: &mut String, row: &Envelope) -> Outcome<()> {
    let payload = serde_json::to_string(&row.payload)?.replace('\\', "\\\\");
    let metadata = serde_json::to_string(&row.metadata)?.replace('\\', "\\\\");
    let micros = row.recorded_at.unix_timestamp_nanos() / 1_000;
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let at = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds)?)?;
    let (date, clock) = (at.date(), at.time());
    let (hour, minute, second) = clock.as_hms();
    writeln!(
        text,
        "{}\t{}\t{}\t{}\t{}\t{payload}\t{metadata}\t{}\t{date} {hour:02}:{minute:02}:{second:02}.{fraction:06}+00\t\\\\x{}",
        row.aggregate_type,
        row.aggregate_id,
        row.sequence,
        row.event_type,
        row.event_version,
        row.position,
        hex::encode(leaf_hash(row)?),
    )?;
    Ok(())
}

pub fn metadata(owner: AccountId) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("command_id".to_owned(), Uuid::new_v4().to_string()),
        ("correlation_id".to_owned(), Uuid::new_v4().to_string()),
        ("actor".to_owned(), format!("account:{owner}")),
    ])
}

pub fn now() -> OffsetDateTime {
    journal::Clock::system().now()
}

/// A table that was just filled has no statistics, and the planner guesses.
pub async fn analyze(url: &str) -> Outcome<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("VACUUM ANALYZE events").execute(&mut connection).await?;
    Ok(connection.close().await?)
}
