//! Delivers every message twice: republishes each one on its own subject, as a relay that repeats itself would.

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::{HeaderMap, jetstream};
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinHandle;

const MARK: &str = "Doubled";

pub struct Doubler {
    task: JoinHandle<()>,
    count: Arc<AtomicU64>,
}

impl Doubler {
    /// Needs the stream to be there.
    pub async fn start(nats_url: &str) -> Self {
        let client = async_nats::connect(nats_url).await.unwrap();
        let context = jetstream::new(client);
        let stream = super::eventually("the stream exists", async || {
            context.get_stream(journal::relay::STREAM).await.ok()
        })
        .await;
        let config = pull::Config {
            ack_policy: AckPolicy::None,
            deliver_policy: DeliverPolicy::All,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&count);
        let task = tokio::spawn(async move {
            let mut messages = consumer.messages().await.unwrap();
            while let Some(Ok(message)) = messages.next().await {
                if message.headers.as_ref().is_some_and(|headers| headers.get(MARK).is_some()) {
                    continue;
                }
                let mut headers = HeaderMap::new();
                headers.insert(MARK, "1");
                let again =
                    context.publish_with_headers(message.subject.clone(), headers, message.payload.clone());
                again.await.unwrap().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { task, count }
    }

    /// Messages delivered a second time so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Doubler {
    fn drop(&mut self) {
        self.task.abort();
    }
}
