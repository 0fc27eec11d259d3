//! The consumer of a flow, and the way from a message to its acknowledgement.
//!
//! What a flow has done stands beside the journal, so the consumer need not outlive its session: it is in the memory
//! of NATS, hears what comes from now on, and what came before it is asked of the journal. Whatever is wrong with it,
//! the session ends and opens another one.

use super::{Handled, Runner, replays, self_check};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::{self, AckKind, Message};
use domain::Envelope;
use futures::StreamExt;
use journal::relay;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longer than no step: a step that takes longer says that it is alive.
const ACK_WAIT: Duration = Duration::from_secs(30);
const STILL_ALIVE: Duration = Duration::from_secs(10);
/// Events that may wait for another attempt before new ones have to wait for them.
const WAITING_MAX: i64 = 4_096;
const RECONNECT: Duration = Duration::from_secs(1);
/// Messages asked for at a time.
const PULL: usize = 200;
/// Twice this without a word from NATS, and the consumer is given up.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// NATS forgets a consumer that nobody has pulled from for this long.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);
/// A graceful stop waits this long for the steps that have begun.
const DRAIN: Duration = Duration::from_secs(20);

type BoxError = Box<dyn Error + Send + Sync>;

impl Runner {
    /// Runs until `stop`, whatever NATS does meanwhile; then lets begun steps end.
    pub async fn run(self: Arc<Self>, client: async_nats::Client, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        let hears = watch::Sender::new(false);
        tasks.spawn(self_check::run(Arc::clone(&self), hears.subscribe(), stop.clone()));
        tasks.spawn(replays::run(Arc::clone(&self), stop.clone()));
        while !stop.is_cancelled() {
            let session = Box::pin(self.session(&client, &hears, &mut tasks));
            match stop.run_until_cancelled(session).await {
                None => break,
                Some(Ok(())) => {
                    tracing::warn!(saga.name = self.name(), "the consumer ended; opening it again");
                }
                Some(Err(error)) => {
                    let error = super::chain(error.as_ref());
                    tracing::warn!(saga.name = self.name(), error, "no consumer; trying again");
                }
            }
            hears.send_replace(false);
            stop.run_until_cancelled(tokio::time::sleep(RECONNECT)).await;
        }
        let drained = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!(
                saga.name = self.name(),
                "stopped in the middle of a step; it is taken up at the next start"
            );
        }
    }

    async fn session(
        self: &Arc<Self>,
        client: &async_nats::Client,
        hears: &watch::Sender<bool>,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), BoxError> {
        let consumer = self.consumer(client).await?;
        // What was relayed before this consumer was there, the self-check now takes.
        hears.send_replace(true);
        let room = Arc::new(Semaphore::new(self.policy.concurrency));
        let messages = consumer.stream().max_messages_per_batch(PULL).heartbeat(HEARTBEAT).messages();
        let mut messages = messages.await?;
        while let Some(message) = messages.next().await {
            // A missed heartbeat may be a hiccup, or a consumer that is gone for ever: a new one costs less than the
            // difference.
            let message = message?;
            let permit = Arc::clone(&room).acquire_owned().await?;
            let runner = Arc::clone(self);
            tasks.spawn(async move {
                runner.hear(message).await;
                drop(permit);
            });
            while tasks.try_join_next().is_some() {}
        }
        Ok(())
    }

    async fn consumer(&self, client: &async_nats::Client) -> Result<Consumer<pull::Config>, BoxError> {
        let context = jetstream::new(client.clone());
        let stream = context.get_stream(relay::STREAM).await?;
        let config = pull::Config {
            // Named by NATS: two sessions must never share one.
            description: Some(self.flow.name.into()),
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: FORGOTTEN_AFTER,
            deliver_policy: DeliverPolicy::New,
            filter_subjects: self.flow.subjects(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: WAITING_MAX,
            // Our own dead letters end the attempts, where an operator sees them.
            max_deliver: -1,
            ..pull::Config::default()
        };
        Ok(stream.create_consumer(config).await?)
    }

    async fn hear(&self, message: Message) {
        let answer = match serde_json::from_slice::<Envelope>(&message.payload) {
            Ok(envelope) => self.handle_alive(&envelope, &message).await,
            Err(error) => {
                // The journal has the event itself: the self-check brings it.
                tracing::error!(saga.name = self.name(), subject = %message.subject, error = %error, "not an event");
                AckKind::Term
            }
        };
        if let Err(error) = message.ack_with(answer).await {
            // Heard again, and then found done.
            tracing::debug!(saga.name = self.name(), error = %error, "the acknowledgement was lost");
        }
    }

    async fn handle_alive(&self, envelope: &Envelope, message: &Message) -> AckKind {
        let handling = self.handle(envelope);
        tokio::pin!(handling);
        let result = loop {
            tokio::select! {
                result = &mut handling => break result,
                () = tokio::time::sleep(STILL_ALIVE) => {
                    message.ack_with(AckKind::Progress).await.ok();
                }
            }
        };
        match result {
            Ok(Handled::Done) => AckKind::Ack,
            Ok(Handled::Later(delay)) => AckKind::Nak(Some(delay)),
            Err(error) => {
                tracing::warn!(
                    saga.name = self.name(),
                    error = super::chain(&error),
                    "heard, but not handled"
                );
                AckKind::Nak(Some(self.policy.first))
            }
        }
    }
}
