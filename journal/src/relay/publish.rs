//! One event as a message, and the window of messages that are not acknowledged yet.

use super::RelayError;
use async_nats::HeaderMap;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishAckFuture, PublishError};
use async_nats::jetstream::message::PublishMessage;
use domain::Envelope;
use std::collections::VecDeque;
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

/// Messages in flight, in order; acknowledged from the front.
///
/// This is the seam for atomic batches: what `send` does with a page is nobody else's business.
pub(super) struct Window {
    context: Context,
    in_flight: VecDeque<(i64, PublishAckFuture)>,
    limit: usize,
    sent: i64,
    acknowledged: i64,
    stream_sequence: u64,
}

impl Window {
    pub fn new(context: Context, after: i64, limit: usize) -> Self {
        Self {
            context,
            in_flight: VecDeque::with_capacity(limit),
            limit,
            sent: after,
            acknowledged: after,
            stream_sequence: 0,
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

    /// The stream's own number of the last message that it took.
    pub fn stream_sequence(&self) -> u64 {
        self.stream_sequence
    }

    /// Sends a page, waiting only while the window is full.
    pub async fn send(&mut self, page: &[Envelope]) -> Result<(), RelayError> {
        for event in page {
            while self.in_flight.len() >= self.limit {
                self.acknowledge_first().await?;
            }
            let position = event.position;
            let message = message(event).map_err(|source| RelayError::Json { position, source })?;
            match self.context.send_publish(subject(event), message).await {
                Ok(future) => self.in_flight.push_back((position, future)),
                Err(error) => {
                    self.drain().await;
                    return Err(unacknowledged(position, error));
                }
            }
            self.sent = position;
        }
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
        let Some((position, future)) = self.in_flight.pop_front() else { return Ok(()) };
        match future.into_future().await {
            Ok(ack) => {
                self.acknowledged = position;
                self.stream_sequence = self.stream_sequence.max(ack.sequence);
                Ok(())
            }
            Err(error) => {
                self.drain().await;
                Err(unacknowledged(position, error))
            }
        }
    }

    /// The messages behind a failed one may have been stored all the same; wait for them, so that the repeat
    /// does not mix with them. They all time out together.
    async fn drain(&mut self) {
        let rest: Vec<_> = self.in_flight.drain(..).map(|(_, future)| future.into_future()).collect();
        let stored = futures::future::join_all(rest).await.into_iter().flatten().count();
        tracing::debug!(stored, "drained the window behind a failed message");
    }
}

fn unacknowledged(position: i64, error: PublishError) -> RelayError {
    RelayError::Publish { position, source: error.into() }
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
