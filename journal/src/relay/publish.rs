//! The window of messages that are not acknowledged yet.
//!
//! Pages go as atomic batches (`Nats-Batch-*`, NATS ADR-50): stored whole or not at all, one acknowledgement and,
//! where the server syncs each write, one flush for up to 1,000 messages. A batch is refused whole if the stream
//! has seen one of its message ids, so what may be there already goes one by one.
//!
//! Each message or batch names the number that the stream must stand at (`Nats-Expected-Last-Sequence`). So the
//! server itself keeps the order: behind one that it refused it takes no other, nor from a relay that was away while
//! another one went on.

use super::RelayError;
use super::outgoing::Outgoing;
use async_nats::HeaderMap;
use async_nats::header::{NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE};
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use std::collections::VecDeque;
use std::error::Error;
use std::future::IntoFuture;

/// Carries the position; within the stream's window NATS drops repeats by it.
pub const POSITION_HEADER: &str = "Nats-Msg-Id";

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
    /// Where the stream stands when it has taken everything in flight.
    expected_sequence: u64,
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
            expected_sequence: stream_sequence,
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
    pub async fn send(&mut self, page: &[Outgoing]) -> Result<(), RelayError> {
        let known = page.partition_point(|event| event.position <= self.singly_until);
        let (singles, rest) = page.split_at(known);
        for event in singles {
            // Whether the stream's number moves is known when it has answered: a repeat does not move it.
            self.send_singly(event).await?;
            self.settle().await?;
        }
        for batch in rest.chunks(BATCH_MESSAGES_MAX) {
            match batch {
                [event] => self.send_singly(event).await?,
                _ => self.send_batch(batch).await?,
            }
        }
        Ok(())
    }

    async fn send_singly(&mut self, event: &Outgoing) -> Result<(), RelayError> {
        while self.in_flight.len() >= self.limit {
            self.acknowledge_first().await?;
        }
        let message = event.message().expected_last_sequence(self.expected_sequence);
        self.hand_over(event, message, 0).await
    }

    /// All but the last message want no answer; the last one commits the batch.
    async fn send_batch(&mut self, events: &[Outgoing]) -> Result<(), RelayError> {
        while self.in_flight.len() >= BATCHES_IN_FLIGHT {
            self.acknowledge_first().await?;
        }
        let id = self.context.client().new_inbox();
        for (number, event) in (1_u64..).zip(events) {
            let position = event.position;
            let mut message =
                event.message().header(NATS_BATCH_ID, &*id).header(NATS_BATCH_SEQUENCE, number.to_string());
            if number == 1 {
                message = message.expected_last_sequence(self.expected_sequence);
            }
            if number == events.len() as u64 {
                let last = message.header(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
                self.hand_over(event, last, number).await?;
            } else {
                let message = message.outbound_message(event.subject.clone());
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
        event: &Outgoing,
        message: PublishMessage,
        batch: u64,
    ) -> Result<(), RelayError> {
        let position = event.position;
        match self.context.send_publish(event.subject.clone(), message).await {
            Ok(ack) => self.in_flight.push_back(InFlight { position, batch, ack }),
            Err(error) => return Err(self.broken(position, error.into()).await),
        }
        self.sent = position;
        self.expected_sequence += batch.max(1);
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
                if self.in_flight.is_empty() {
                    self.expected_sequence = self.stream_sequence;
                }
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
    #[test]
    fn a_message_that_is_not_ours_has_no_position() {
        let mut headers = HeaderMap::new();
        assert_eq!(position_of(&headers), None);
        headers.insert(POSITION_HEADER, "abc");
        assert_eq!(position_of(&headers), None);
    }
}
