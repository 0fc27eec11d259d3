//! N1 to N3: a journal into an empty stream, beside the same messages published as fast as the client can.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::fill;
use crate::output::progress;
use crate::queue::{Queue, Sync};
use crate::replay::per_second;
use crate::writes::warm;
use app::dev::ServerBinaries;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishAckFuture};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType};
use journal::relay::{self, Outgoing, StreamOptions};
use journal::{ConnectOptions, Wake, checkpoint, read};
use sqlx::PgPool;
use std::collections::VecDeque;
use std::future::IntoFuture;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const STREAM_EVENTS: u32 = 10;
/// More than any relay of today publishes in a second.
const PER_SECOND: u64 = 100_000;
const PAGE_BYTES: usize = 64 * 1024 * 1024;
const PAGE_EVENTS: i64 = 10_000;
const WINDOW: usize = 1_024;
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(2);
/// For the first connection and the stream, beyond the measured period.
const GRACE: Duration = Duration::from_secs(30);
const CROWD: usize = 32;

pub async fn run(
    board: &mut Board,
    cluster: &Cluster,
    binaries: &ServerBinaries,
    rounds: u16,
) -> Outcome<()> {
    let (regime, period) = (cluster.regime, board.options.period());
    let events = i64::try_from(period.as_secs() * PER_SECOND)?.min(board.options.events);
    progress(format!("{}: filling a journal with {events} events", regime.name()));
    let url = cluster.kept_database("relay_journal").await?;
    fill::drafts(&url, events, STREAM_EVENTS).await?;
    let pool = journal::connect(&url, &ConnectOptions::default()).await?;
    let bodies = everything(&pool).await?;
    let nats = &binaries.nats_server;
    for round in 1..=rounds {
        progress(format!("{}: relay, round {round} of {rounds}", regime.name()));
        let raw = published(Queue::start(nats, Sync::Default).await?, &bodies, WINDOW, period).await?;
        let lax = relayed(Queue::start(nats, Sync::Default).await?, &pool, period).await?;
        let single = published(Queue::start(nats, Sync::Always).await?, &bodies, 1, period).await?;
        let strict = relayed(Queue::start(nats, Sync::Always).await?, &pool, period).await?;
        let door = warm(cluster, CROWD, period).await?;
        progress(format!(
            "  raw {raw:.0}/s, relay {lax:.0}/s; flushed: single {single:.0}/s, relay {strict:.0}/s"
        ));
        board.of("N1", regime).round(lax, raw);
        board.of("N2", regime).round(strict, single);
        board.of("N3", regime).round(strict, door.rate());
    }
    pool.close().await;
    Ok(cluster.postgres.drop_database("relay_journal").await?)
}

async fn everything(pool: &PgPool) -> Outcome<Vec<Outgoing>> {
    let mut events: Vec<Outgoing> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.position);
        let page = relay::page(pool, after, PAGE_EVENTS, PAGE_BYTES).await?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

/// Events per second of the relay, from an empty stream to the head or to the end of the period.
async fn relayed(queue: Queue, pool: &PgPool, period: Duration) -> Outcome<f64> {
    checkpoint::save(pool, relay::NAME, 0).await?;
    let head = read::head(pool).await?;
    let stop = CancellationToken::new();
    let (status, reader) = relay::status();
    let (client, wake) = (queue.client.clone(), Wake::polling(POLL));
    let begun = Instant::now();
    let working = relay::run(pool.clone(), client, wake, StreamOptions::default(), status, stop.clone());
    let working = tokio::spawn(working);
    let (mut first, mut last) = (None, 0);
    let rate = loop {
        let position = reader.get().position;
        // The status moves page by page: only the moment of a move says how long its pages took.
        if position > last {
            last = position;
            let (from, since) = *first.get_or_insert((position, Instant::now()));
            if position >= head && position == from {
                break per_second(position, begun.elapsed());
            }
            if position >= head || (since.elapsed() >= period && position > from) {
                break per_second(position - from, since.elapsed());
            }
        }
        if begun.elapsed() > period + GRACE {
            return Err(format!("the relay does not publish: {:?}", reader.get().last_error).into());
        }
        tokio::time::sleep(POLL).await;
    };
    stop.cancel();
    working.await?;
    queue.stop().await?;
    Ok(rate)
}

/// Messages per second of a plain client that lets `window` of them be unacknowledged.
async fn published(queue: Queue, bodies: &[Outgoing], window: usize, period: Duration) -> Outcome<f64> {
    let context = ContextBuilder::new()
        .timeout(ACK_TIMEOUT)
        .ack_timeout(ACK_TIMEOUT)
        .max_ack_inflight(WINDOW * 2)
        .build(queue.client.clone());
    create_stream(&context).await?;
    // What is compared is the way into the stream; serialising is the relay's own affair.
    let messages: Vec<(String, PublishMessage)> =
        bodies.iter().map(|event| (event.subject.clone(), event.message())).collect();
    let start = Instant::now();
    let (mut sent, mut waiting) = (0, VecDeque::<PublishAckFuture>::with_capacity(window));
    for (subject, message) in messages {
        if start.elapsed() >= period {
            break;
        }
        waiting.push_back(context.send_publish(subject, message).await?);
        sent += 1;
        if waiting.len() >= window
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.into_future().await?;
        }
    }
    for rest in waiting {
        rest.into_future().await?;
    }
    let rate = per_second(sent, start.elapsed());
    queue.stop().await?;
    Ok(rate)
}

/// As the relay's own.
async fn create_stream(context: &Context) -> Outcome<()> {
    let config = Config {
        name: relay::STREAM.to_owned(),
        subjects: vec![relay::SUBJECTS.to_owned()],
        storage: StorageType::File,
        max_bytes: StreamOptions::default().max_bytes,
        duplicate_window: StreamOptions::default().duplicate_window,
        ..Config::default()
    };
    context.create_stream(config).await?;
    Ok(())
}
