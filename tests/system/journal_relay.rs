//! Journal → `JetStream`: in order, at least once, never skipped.

use super::journal_support::{Process, context, eventually, grant, wallet};
use crate::harness;
use async_nats::jetstream::{self, consumer::AckPolicy, consumer::PullConsumer, consumer::pull};
use domain::Envelope;
use futures::StreamExt;
use journal::relay::{self, Activity, STREAM, StatusReader, StreamOptions};
use journal::{Rider, checkpoint};
use sqlx::PgPool;
use std::time::Duration;

/// More than any journal of these tests.
const ROOM: i64 = 64 * 1024 * 1024;

/// Starts a relay beside the writer.
async fn relay_for(process: &mut Process, pool: &PgPool, nats_url: &str) -> StatusReader {
    relay_with(process, pool, nats_url, ROOM).await
}

async fn relay_with(process: &mut Process, pool: &PgPool, nats_url: &str, max_bytes: i64) -> StatusReader {
    let client =
        async_nats::ConnectOptions::new().retry_on_initial_connect().connect(nats_url).await.unwrap();
    let (status, reader) = relay::status();
    let options = StreamOptions { max_bytes, ..StreamOptions::default() };
    let wake = process.commands.writer().wake();
    process.spawn(relay::run(pool.clone(), client, wake, options, status, process.stop.clone()));
    reader
}

async fn append(process: &Process, events: usize) {
    let commands = &process.commands;
    let one = |n: usize| async move {
        let unit = vec![grant(wallet(), &format!("grant-{n}"), 1)];
        commands.execute(unit, &context(), Rider::default()).await.unwrap();
    };
    futures::stream::iter(0..events).for_each_concurrent(32, one).await;
}

/// A process whose relay has published so many events.
async fn relayed(pool: &PgPool, nats_url: &str, events: usize) -> (Process, StatusReader) {
    let mut process = Process::start(pool);
    let status = relay_for(&mut process, pool, nats_url).await;
    append(&process, events).await;
    reaches(&status, i64::try_from(events).unwrap()).await;
    (process, status)
}

async fn jetstream(nats_url: &str) -> jetstream::Context {
    jetstream::new(async_nats::connect(nats_url).await.unwrap())
}

/// What a new consumer of the whole stream is given.
async fn everything(nats_url: &str, count: usize) -> Vec<Envelope> {
    let stream = jetstream(nats_url).await.get_stream(STREAM).await.unwrap();
    // Without acknowledgements, or the server would stop at a thousand that are pending.
    let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
    let consumer: PullConsumer = stream.create_consumer(config).await.unwrap();
    let messages = consumer.messages().await.unwrap().take(count);
    let received: Vec<_> = tokio::time::timeout(Duration::from_secs(20), messages.collect()).await.unwrap();
    received
        .into_iter()
        .map(|message| {
            let message = message.unwrap();
            let envelope: Envelope = serde_json::from_slice(&message.payload).unwrap();
            assert_eq!(relay::position_of(message.headers.as_ref().unwrap()), Some(envelope.position));
            let subject = format!("journal.{}.{}", envelope.aggregate_type, envelope.event_type);
            assert_eq!(message.subject.as_str(), subject);
            envelope
        })
        .collect()
}

async fn reaches(status: &StatusReader, position: i64) {
    eventually("the relay gets there", || async { status.get().position >= position }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_published_in_order_and_as_it_is_stored() {
    let (database, nats) = (harness::database().await, harness::nats().await);
    let mut process = Process::start(&database.pool);
    append(&process, 1_500).await;
    let status = relay_for(&mut process, &database.pool, &nats.url).await;
    append(&process, 20).await;
    reaches(&status, 1_520).await;
    let received = everything(&nats.url, 1_520).await;
    assert_eq!(received, journal::read::page(&database.pool, 0, 2_000, usize::MAX).await.unwrap());
    assert_eq!(status.get().activity, Activity::Publishing);
    eventually("the checkpoint follows", || async {
        checkpoint::load(&database.pool, relay::NAME).await.unwrap() == 1_520
    })
    .await;
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_stream_is_filled_again() {
    let (database, nats) = (harness::database().await, harness::nats().await);
    let (process, status) = relayed(&database.pool, &nats.url, 50).await;

    // Nothing is written afterwards: the relay has to notice by itself.
    jetstream(&nats.url).await.delete_stream(STREAM).await.unwrap();
    eventually("the relay fills it again", || async { status.get().published >= 100 }).await;
    let positions: Vec<_> = everything(&nats.url, 50).await.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=50).collect::<Vec<_>>());
    process.end().await;
}

/// It has nothing of its own to compare with but what the stream said when it began.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_has_published_nothing_yet_notices_that_the_stream_was_emptied() {
    let (database, nats) = (harness::database().await, harness::nats().await);
    let (before, _) = relayed(&database.pool, &nats.url, 50).await;
    before.end().await;

    let mut process = Process::start(&database.pool);
    let status = relay_for(&mut process, &database.pool, &nats.url).await;
    eventually("it has looked at the stream", || async { status.get().activity == Activity::Publishing })
        .await;
    assert_eq!(status.get().published, 0);
    let jetstream = jetstream(&nats.url).await;
    let config = jetstream.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    jetstream.delete_stream(STREAM).await.unwrap();
    jetstream.create_stream(config).await.unwrap();
    eventually("the relay fills it again", || async { status.get().published >= 50 }).await;
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_commands_go_on_and_the_relay_catches_up_afterwards() {
    let (database, mut nats) = (harness::database().await, harness::nats().await);
    let (process, status) = relayed(&database.pool, &nats.url, 30).await;

    nats.kill();
    append(&process, 30).await;
    eventually("the outage is visible", || async { status.get().activity == Activity::Interrupted }).await;
    assert!(status.get().last_error.is_some());

    nats.restart().await;
    reaches(&status, 60).await;
    // Order holds for first deliveries; what was repeated is deduplicated by position.
    let stored = jetstream(&nats.url).await.get_stream(STREAM).await.unwrap().cached_info().state.messages;
    let received = everything(&nats.url, usize::try_from(stored).unwrap()).await;
    let mut positions: Vec<_> = received.iter().map(|event| event.position).collect();
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions, (1..=60).collect::<Vec<_>>(), "nothing was skipped");
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_as_atomic_batches_and_what_may_be_there_already_goes_alone() {
    let (database, nats) = (harness::database().await, harness::nats().await);
    let mut process = Process::start(&database.pool);
    append(&process, 40).await;
    let context = jetstream(&nats.url).await;
    let foreign = jetstream::stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![relay::SUBJECTS.to_owned()],
        ..jetstream::stream::Config::default()
    };
    context.create_stream(foreign).await.unwrap();
    // Of an earlier life: event 30 is there, and what came last says nothing about how far it went.
    for after in [29, 9] {
        let event = relay::page(&database.pool, after, 1, usize::MAX).await.unwrap().remove(0);
        context.send_publish(event.subject.clone(), event.message()).await.unwrap().await.unwrap();
    }

    let status = relay_for(&mut process, &database.pool, &nats.url).await;
    reaches(&status, 40).await;
    assert_eq!(status.get().failures, 1, "the batch with event 30 is refused once");
    append(&process, 400).await;
    reaches(&status, 440).await;
    let stream = context.get_stream(STREAM).await.unwrap();
    let mut positions = Vec::new();
    let mut in_batches = 0;
    for sequence in 1..=stream.cached_info().state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        positions.extend(relay::position_of(&message.headers));
        in_batches += usize::from(message.headers.get("Nats-Batch-Id").is_some());
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=440).collect::<Vec<_>>());
    assert!(in_batches > 0, "nothing was put into a batch");
    process.end().await;
}

/// The first batch is too large for the stream; the second one, sent meanwhile, would fit.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_refused_batch_the_server_takes_no_other() {
    let (database, nats) = (harness::database().await, harness::nats().await);
    let mut process = Process::start(&database.pool);
    append(&process, 1_300).await;
    let status = relay_with(&mut process, &database.pool, &nats.url, 300 * 1024).await;
    eventually("the stream is full", || async { status.get().failures > 1 }).await;
    process.end().await;
    let (kept, positions) = in_stream(&nats.url).await;
    assert!((1..1_000).contains(&kept), "{kept} messages");
    assert_eq!(positions, (1..=kept).collect::<Vec<_>>());

    let mut process = Process::start(&database.pool);
    let status = relay_for(&mut process, &database.pool, &nats.url).await;
    reaches(&status, 1_300).await;
    let (kept, positions) = in_stream(&nats.url).await;
    assert_eq!((kept, positions), (1_300, (1..=1_300).collect()), "once and in order");
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_in_the_stream_is_passed_over() {
    let (database, nats) = (harness::database().await, harness::nats().await);
    let (process, status) = relayed(&database.pool, &nats.url, 40).await;
    let context = jetstream(&nats.url).await;
    context.publish("journal.a.stranger", "{}".into()).await.unwrap().await.unwrap();
    append(&process, 20).await;
    reaches(&status, 60).await;
    assert!(status.get().published < 80, "the whole journal went out again: {}", status.get().published);
    let stream = context.get_stream(STREAM).await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 61);
    process.end().await;
}

/// How many messages the stream holds, and the positions in their order there.
async fn in_stream(nats_url: &str) -> (i64, Vec<i64>) {
    let stream = jetstream(nats_url).await.get_stream(STREAM).await.unwrap();
    let kept = stream.cached_info().state.messages;
    let received = everything(nats_url, usize::try_from(kept).unwrap()).await;
    (i64::try_from(kept).unwrap(), received.iter().map(|event| event.position).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_the_server_cannot_load_is_made_anew() {
    let (database, mut nats) = (harness::database().await, harness::nats().await);
    let mut process = Process::start(&database.pool);
    append(&process, 20).await;
    let status = relay_for(&mut process, &database.pool, &nats.url).await;
    reaches(&status, 20).await;
    let stream = jetstream(&nats.url).await.get_stream(STREAM).await.unwrap();
    let durable = pull::Config { durable_name: Some("checkout".to_owned()), ..pull::Config::default() };
    let _: PullConsumer = stream.create_consumer(durable).await.unwrap();

    nats.kill();
    let damaged = nats.damage_consumer("checkout");
    nats.restart().await;
    eventually("the relay fills it again", || async { status.get().published >= 40 }).await;
    let positions: Vec<_> = everything(&nats.url, 20).await.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=20).collect::<Vec<_>>(), "after damage to {damaged}");
    append(&process, 20).await;
    reaches(&status, 40).await;
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_another_journal_is_not_taken_for_ones_own() {
    let nats = harness::nats().await;
    let publish = async |events: usize| {
        let database = harness::database().await;
        let mut process = Process::start(&database.pool);
        append(&process, events).await;
        let status = relay_for(&mut process, &database.pool, &nats.url).await;
        reaches(&status, i64::try_from(events).unwrap()).await;
        process.end().await;
        journal::read::page(&database.pool, 0, 100, usize::MAX).await.unwrap()
    };
    // Longer, shorter and as long: as after a restore of an older backup, and some time later.
    for events in [40, 20, 20, 30] {
        let stored = publish(events).await;
        assert_eq!(everything(&nats.url, events).await, stored, "the events of before are in the way");
    }
}
