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
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longer than no step: a step that takes longer says that it is alive.
const ACK_WAIT: Duration = Duration::from_secs(30);
const STILL_ALIVE: Duration = Duration::from_secs(10);
const WORD: Duration = Duration::from_millis(100);
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
    /// Runs until `stop`, whatever NATS does meanwhile; then lets begun steps end. Ends by itself only when a panic
    /// ends what it looks after.
    pub async fn run(self: Arc<Self>, client: async_nats::Client, stop: CancellationToken) {
        let ends = stop.child_token();
        let hears = watch::Sender::new(false);
        let (mut watchers, mut steps) = (JoinSet::new(), JoinSet::new());
        watchers.spawn(self_check::run(Arc::clone(&self), hears.subscribe(), ends.clone()));
        watchers.spawn(replays::run(Arc::clone(&self), ends.clone()));
        tokio::select! {
            () = stop.cancelled() => {}
            () = Box::pin(self.sessions(&client, &hears, &mut steps)) => {}
            _ = watchers.join_next() => tracing::error!(saga.name = self.name(), "the flow lost its self-check"),
        }
        ends.cancel();
        let drained = tokio::time::timeout(DRAIN, async {
            while steps.join_next().await.is_some() {}
            while watchers.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            tracing::warn!(
                saga.name = self.name(),
                "stopped in the middle of a step; it is taken up at the next start"
            );
        }
    }

    /// One session after the other, for ever.
    async fn sessions(
        self: &Arc<Self>,
        client: &async_nats::Client,
        hears: &watch::Sender<bool>,
        steps: &mut JoinSet<()>,
    ) {
        loop {
            match self.session(client, hears, steps).await {
                Ok(()) => tracing::warn!(saga.name = self.name(), "the consumer ended; opening it again"),
                Err(error) => {
                    let error = super::chain(error.as_ref());
                    tracing::warn!(saga.name = self.name(), error, "no consumer; trying again");
                }
            }
            hears.send_replace(false);
            tokio::time::sleep(RECONNECT).await;
        }
    }

    async fn session(
        self: &Arc<Self>,
        client: &async_nats::Client,
        hears: &watch::Sender<bool>,
        steps: &mut JoinSet<()>,
    ) -> Result<(), BoxError> {
        let consumer = self.consumer(client).await?;
        // What was relayed before this consumer was there, the self-check now takes.
        hears.send_replace(true);
        let messages = consumer.stream().max_messages_per_batch(PULL).heartbeat(HEARTBEAT).messages();
        let mut messages = messages.await?;
        while let Some(message) = messages.next().await {
            // A missed heartbeat may be a hiccup, or a consumer that is gone for ever: a new one costs less than the
            // difference.
            let message = message?;
            let permit = self.room().await;
            let runner = Arc::clone(self);
            steps.spawn(async move {
                runner.hear(message).await;
                drop(permit);
            });
            while steps.try_join_next().is_some() {}
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
                    // Only a word to NATS: the step must not wait for it.
                    tokio::time::timeout(WORD, message.ack_with(AckKind::Progress)).await.ok();
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
