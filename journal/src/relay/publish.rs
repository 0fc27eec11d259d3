//! One event as a message, and the window of messages that are not acknowledged yet.
//!
//! Pages go as atomic batches (`Nats-Batch-*`, NATS ADR-50): stored whole or not at all, one acknowledgement and,
//! where the server syncs each write, one flush for up to 1,000 messages. A batch is refused whole if the stream
//! has seen one of its message ids, so what may be there already goes one by one.

use super::RelayError;
use async_nats::HeaderMap;
use async_nats::header::{NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE};
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use domain::Envelope;
use std::collections::VecDeque;
use std::error::Error;
use std::future::IntoFuture;

/// Carries the position; within the stream's window NATS drops repeats by it.
pub const POSITION_HEADER: &str = "Nats-Msg-Id";

/// `journal.<aggregate_type>.<event_type>`; both names were checked when the event was appended.
pub fn subject(event: &Envelope) -> String {
    format!("journal.{}.{}", event.aggregate_type, event.event_type)
}

/// The envelope as JSON.
pub fn message(event: &Envelope) -> Result<PublishMessage, serde_json::Error> {
    let body = serde_json::to_vec(event)?;
    Ok(PublishMessage::build().payload(body.into()).message_id(event.position.to_string()))
}

/// The position of a message, without parsing its body.
pub fn position_of(headers: &HeaderMap) -> Option<i64> {
    headers.get(POSITION_HEADER)?.as_str().parse().ok()
}

/// Messages that the server takes in one atomic batch.
const BATCH_MESSAGES_MAX: usize = 1_000;
/// Batches on their way; the next one is sent while the server stores the last.
const BATCHES_IN_FLIGHT: usize = 3;

/// Messages in flight, in order; acknowledged from the front.
pub(super) struct Window {
    context: Context,
    in_flight: VecDeque<InFlight>,
    limit: usize,
    sent: i64,
    acknowledged: i64,
    stream_sequence: u64,
    /// Up to here the stream may hold messages already.
    singly_until: i64,
}

/// One acknowledgement that is awaited, for a message or a whole batch.
struct InFlight {
    /// Of its last message.
    position: i64,
    /// Messages of a batch; 0 for a message that goes alone.
    batch: u64,
    ack: PublishAckFuture,
}

impl Window {
    /// Events up to `singly_until` are not put into batches; `stream_sequence` is the stream's last number now.
    pub fn new(context: Context, after: i64, singly_until: i64, stream_sequence: u64, limit: usize) -> Self {
        Self {
            context,
            in_flight: VecDeque::with_capacity(limit),
            limit,
            sent: after,
            acknowledged: after,
            stream_sequence,
            singly_until,
        }
    }

    /// The last position handed to the client.
    pub fn sent(&self) -> i64 {
        self.sent
    }

    /// Everything up to here is in the stream.
    pub fn acknowledged(&self) -> i64 {
        self.acknowledged
    }

    /// Where the next session may begin with batches.
    pub fn singly_until(&self) -> i64 {
        self.singly_until
    }

    /// The stream's own number of the last message that it took.
    pub fn stream_sequence(&self) -> u64 {
        self.stream_sequence
    }

    /// Sends a page, waiting only while the window is full.
    pub async fn send(&mut self, page: &[Envelope]) -> Result<(), RelayError> {
        let known = page.partition_point(|event| event.position <= self.singly_until);
        let (singles, rest) = page.split_at(known);
        self.send_singly(singles).await?;
        for batch in rest.chunks(BATCH_MESSAGES_MAX) {
            match batch {
                [_] => self.send_singly(batch).await?,
                _ => self.send_batch(batch).await?,
            }
        }
        Ok(())
    }

    async fn send_singly(&mut self, events: &[Envelope]) -> Result<(), RelayError> {
        for event in events {
            while self.in_flight.len() >= self.limit {
                self.acknowledge_first().await?;
            }
            let position = event.position;
            let message = message(event).map_err(|source| RelayError::Json { position, source })?;
            self.hand_over(event, message, 0).await?;
        }
        Ok(())
    }

    /// All but the last message want no answer; the last one commits the batch.
    async fn send_batch(&mut self, events: &[Envelope]) -> Result<(), RelayError> {
        while self.in_flight.len() >= BATCHES_IN_FLIGHT {
            self.acknowledge_first().await?;
        }
        let id = self.context.client().new_inbox();
        for (number, event) in (1_u64..).zip(events) {
            let position = event.position;
            let message = message(event).map_err(|source| RelayError::Json { position, source })?;
            let message = message.header(NATS_BATCH_ID, &*id).header(NATS_BATCH_SEQUENCE, number.to_string());
            if number == events.len() as u64 {
                let last = message.header(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
                self.hand_over(event, last, number).await?;
            } else {
                let message = message.outbound_message(subject(event));
                let headers = message.headers.unwrap_or_default();
                let send = self.context.client();
                let send = send.publish_with_headers(message.subject, headers, message.payload);
                // A dead connection's queue fills up and takes no more.
                match tokio::time::timeout(super::ACK_TIMEOUT, send).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return Err(self.broken(position, error.into()).await),
                    Err(late) => return Err(self.broken(position, late.into()).await),
                }
            }
        }
        Ok(())
    }

    /// Sends a message whose acknowledgement is awaited.
    async fn hand_over(
        &mut self,
        event: &Envelope,
        message: PublishMessage,
        batch: u64,
    ) -> Result<(), RelayError> {
        let position = event.position;
        match self.context.send_publish(subject(event), message).await {
            Ok(ack) => self.in_flight.push_back(InFlight { position, batch, ack }),
            Err(error) => return Err(self.broken(position, error.into()).await),
        }
        self.sent = position;
        Ok(())
    }

    /// Waits for everything that is in flight.
    pub async fn settle(&mut self) -> Result<(), RelayError> {
        while !self.in_flight.is_empty() {
            self.acknowledge_first().await?;
        }
        Ok(())
    }

    async fn acknowledge_first(&mut self) -> Result<(), RelayError> {
        let Some(InFlight { position, batch, ack }) = self.in_flight.pop_front() else { return Ok(()) };
        match ack.into_future().await {
            // A server that does not know batches would have stored the last message alone.
            Ok(ack) if ack.batch_size.unwrap_or(0) == batch => {
                self.acknowledged = position;
                self.stream_sequence = self.stream_sequence.max(ack.sequence);
                Ok(())
            }
            Ok(ack) => {
                let stored = ack.batch_size.unwrap_or(1);
                Err(self.broken(position, format!("{stored} of {batch} messages were stored").into()).await)
            }
            Err(error) => Err(self.broken(position, error.into()).await),
        }
    }

    /// What was sent may be in the stream or not: it is sent again, one by one.
    async fn broken(&mut self, position: i64, source: Box<dyn Error + Send + Sync>) -> RelayError {
        let sent = self.in_flight.back().map_or(position, |last| last.position.max(position));
        self.singly_until = self.singly_until.max(sent);
        self.drain().await;
        RelayError::Publish { position, source }
    }

    /// The messages behind a failed one may have been stored all the same; wait for them, so that the repeat
    /// does not mix with them. They all time out together.
    async fn drain(&mut self) {
        let rest: Vec<_> = self.in_flight.drain(..).map(|one| one.ack.into_future()).collect();
        let stored = futures::future::join_all(rest).await.into_iter().flatten().count();
        tracing::debug!(stored, "drained the window behind a failed message");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;
    use time::macros::datetime;

    fn event() -> Envelope {
        Envelope {
            position: 42,
            aggregate_type: "payment".to_owned(),
            aggregate_id: "p-1".to_owned(),
            sequence: 3,
            event_type: "captured".to_owned(),
            event_version: "1".to_owned(),
            payload: json!({"kuruş": 12_000}),
            metadata: BTreeMap::new(),
            recorded_at: datetime!(2026-11-24 03:04:05.123456 UTC),
        }
    }

    #[test]
    fn a_message_carries_the_whole_envelope_and_its_position() {
        let event = event();
        assert_eq!(subject(&event), "journal.payment.captured");
        let outbound = message(&event).unwrap().outbound_message(subject(&event));
        assert_eq!(position_of(&outbound.headers.unwrap()), Some(42));
        assert_eq!(serde_json::from_slice::<Envelope>(&outbound.payload).unwrap(), event);
    }

    #[test]
    fn a_message_that_is_not_ours_has_no_position() {
        let mut headers = HeaderMap::new();
        assert_eq!(position_of(&headers), None);
        headers.insert(POSITION_HEADER, "abc");
        assert_eq!(position_of(&headers), None);
    }
}
