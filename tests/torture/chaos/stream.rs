//! The stream `JOURNAL` at the end: it reaches the head, and a wiped one was filled again from the first event.

use super::store::Damage;
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use futures::StreamExt;
use harness::{World, eventually_within};
use journal::relay::{STREAM, position_of};
use std::collections::BTreeSet;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);

/// A store that NATS itself gives up (`stream is offline`) stays so for ever; the flows live from the journal. An
/// operator wipes it, and the relay fills it again. Answers whether that was necessary.
pub async fn mend(world: &mut World) -> bool {
    let url = world.nats.url();
    let usable = async || {
        let context = jetstream::new(async_nats::connect(&url).await.ok()?);
        Some(context.get_stream(STREAM).await.is_ok())
    };
    if eventually_within(LIMIT, "NATS answers", usable).await {
        return false;
    }
    world.nats.kill().unwrap();
    std::fs::remove_dir_all(world.nats_store().join("jetstream")).unwrap();
    world.nats.start_again().await.unwrap();
    true
}

/// Answers how many events the stream does not hold.
pub async fn holes(world: &World, last: Option<Damage>) -> usize {
    let head = journal::read::head(&world.pool).await.unwrap();
    let mut positions = BTreeSet::new();
    eventually_within(LIMIT, "the stream reaches the head", async || {
        positions = read(&world.nats.url()).await?;
        positions.last().is_some_and(|last| *last == head).then_some(())
    })
    .await;
    let holes = (1..=head).filter(|position| !positions.contains(position)).count();
    // What a torn store has lost in its middle, the flows got from the journal.
    let whole = matches!(last, None | Some(Damage::Wiped));
    assert!(!whole || holes == 0, "the stream lacks {holes} of {head} events");
    holes
}

async fn read(url: &str) -> Option<BTreeSet<i64>> {
    let client = async_nats::connect(url).await.ok()?;
    let stream = jetstream::new(client).get_stream(STREAM).await.ok()?;
    let config = pull::Config {
        ack_policy: AckPolicy::None,
        deliver_policy: DeliverPolicy::All,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.ok()?;
    let mut found = BTreeSet::new();
    let mut pending = consumer.cached_info().num_pending;
    let mut messages = consumer.messages().await.ok()?;
    while pending > 0 {
        let message = messages.next().await?.ok()?;
        pending = message.info().ok()?.pending;
        found.extend(message.headers.as_ref().and_then(position_of));
    }
    Some(found)
}
