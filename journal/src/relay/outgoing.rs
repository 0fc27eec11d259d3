//! One event as a message: what the database stores as JSON goes on as the text that it came as.

use crate::read::{self, ReadError};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;

/// An event on its way to the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub position: i64,
    /// `journal.<aggregate_type>.<event_type>`; both names were checked when the event was appended.
    pub subject: String,
    /// A [`domain::Envelope`] as JSON.
    pub body: Bytes,
}

/// The fields of [`domain::Envelope`].
#[derive(Serialize, sqlx::FromRow)]
struct Text<'a> {
    position: i64,
    aggregate_type: &'a str,
    aggregate_id: &'a str,
    sequence: i64,
    event_type: &'a str,
    event_version: &'a str,
    #[sqlx(json)]
    payload: &'a RawValue,
    #[sqlx(json)]
    metadata: &'a RawValue,
    #[serde(with = "time::serde::rfc3339")]
    recorded_at: OffsetDateTime,
}

/// The events behind `after` as messages, bounded as by [`read::page`].
pub async fn page(
    executor: impl PgExecutor<'_>,
    after: i64,
    limit_events: i64,
    limit_bytes: usize,
) -> Result<Vec<Outgoing>, ReadError> {
    read::page_of(executor, after, (limit_events, limit_bytes), outgoing).await
}

fn outgoing(row: &PgRow) -> Result<Outgoing, sqlx::Error> {
    let text = Text::from_row(row)?;
    let body = serde_json::to_vec(&text).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let subject = format!("journal.{}.{}", text.aggregate_type, text.event_type);
    Ok(Outgoing { position: text.position, subject, body: body.into() })
}

impl Outgoing {
    /// With the position as its id.
    pub fn message(&self) -> PublishMessage {
        PublishMessage::build().payload(self.body.clone()).message_id(self.position.to_string())
    }
}
