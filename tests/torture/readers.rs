//! Everything that reads the journal in order, running beside a torture: a follower, the projections, the relay.

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use futures::StreamExt;
use harness::{TestNats, eventually_within};
use journal::relay::{self, STREAM, StatusReader, StreamOptions};
use journal::{Wake, read};
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub const PAGE_EVENTS: i64 = 1_000;
const LIMIT: Duration = Duration::from_secs(90);

/// What the follower saw so far.
#[derive(Debug, Default)]
pub struct Followed {
    /// The last position; all before it came in order, none twice.
    pub position: AtomicI64,
    /// The longest distance to the head behind a page.
    pub lag_max: AtomicI64,
}

pub struct Readers {
    pub followed: Arc<Followed>,
    pub relay: StatusReader,
    nats: TestNats,
    pool: PgPool,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Readers {
    pub async fn start(pool: &PgPool) -> Self {
        Self::start_on(pool, harness::nats().await).await
    }

    async fn start_on(pool: &PgPool, nats: TestNats) -> Self {
        let stop = CancellationToken::new();
        let mut readers = Self::unfollowed(pool, nats, stop.clone()).await;
        readers.tasks.spawn(follow(pool.clone(), Arc::clone(&readers.followed), stop));
        readers
    }

    /// Without the follower, which would fail the test at a gap.
    pub async fn unfollowed(pool: &PgPool, nats: TestNats, stop: CancellationToken) -> Self {
        let (followed, mut tasks) = (Arc::default(), JoinSet::new());
        let wake = || Wake::polling(Duration::from_millis(20));
        tasks.spawn(projections::run(pool.clone(), wake(), stop.clone()));
        let client =
            async_nats::ConnectOptions::new().retry_on_initial_connect().connect(&nats.url).await.unwrap();
        let (status, relay) = relay::status();
        let options = StreamOptions { max_bytes: 64 * 1024 * 1024, ..StreamOptions::default() };
        tasks.spawn(relay::run(pool.clone(), client, wake(), options, status, stop.clone()));
        Self { followed, relay, nats, pool: pool.clone(), stop, tasks }
    }

    /// Where each of them stands: follower, slowest projection, relay.
    pub async fn positions(&self) -> [i64; 3] {
        let status = projections::status(&self.pool).await.unwrap();
        let slowest = status.iter().map(|one| one.position).min().unwrap();
        [self.followed.position.load(SeqCst), slowest, self.relay.get().position]
    }

    /// Waits until all of them are at the head.
    pub async fn at(&self, head: i64) {
        eventually_within(LIMIT, "all readers are at the head", async || {
            let positions = self.positions().await;
            positions.iter().all(|position| *position >= head).then_some(())
        })
        .await;
        assert_eq!(self.positions().await, [head; 3], "nobody is beyond the head");
    }

    /// All have seen 1 … head once and in order; the read models are what the journal says.
    pub async fn finish(mut self, head: i64) {
        self.at(head).await;
        let names = ["wallets", "wallet_entries"];
        for name in names {
            let verified = projections::verify(&self.pool, name, |_, _| {}).await.unwrap();
            assert_eq!((verified.position, verified.difference), (head, None), "{name}");
        }
        let positions = published(&self.nats.url).await;
        assert_eq!(positions, (1..=head).collect::<Vec<_>>(), "what JetStream holds");
        self.end().await;
    }

    pub async fn end(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// A reader as any other: asks for what is behind its position, and nothing else.
async fn follow(pool: PgPool, followed: Arc<Followed>, stop: CancellationToken) {
    let mut position = 0;
    while !stop.is_cancelled() {
        let page = match read::page(&pool, position, PAGE_EVENTS, usize::MAX).await {
            Ok(page) => page,
            Err(gap @ read::ReadError::Gap { .. }) => panic!("{gap}"),
            // The server may be away.
            Err(_) => Vec::new(),
        };
        let Some(last) = page.last() else {
            Wake::polling(Duration::from_millis(5)).beyond(position).await;
            continue;
        };
        position = last.position;
        followed.position.store(position, SeqCst);
        if let Ok(head) = read::head(&pool).await {
            followed.lag_max.fetch_max(head - position, SeqCst);
        }
    }
}

/// The positions that the stream holds, in its order.
pub async fn published(nats_url: &str) -> Vec<i64> {
    let context = jetstream::new(async_nats::connect(nats_url).await.unwrap());
    let stream = context.get_stream(STREAM).await.unwrap();
    let count = usize::try_from(stream.cached_info().state.messages).unwrap();
    // Without acknowledgements, or the server would stop at a thousand that are pending.
    let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
    let consumer: PullConsumer = stream.create_consumer(config).await.unwrap();
    let messages = consumer.messages().await.unwrap().take(count);
    let messages: Vec<_> = tokio::time::timeout(LIMIT, messages.collect()).await.unwrap();
    let position = |message: jetstream::Message| relay::position_of(message.headers.as_ref()?);
    messages.into_iter().map(|message| position(message.unwrap()).unwrap()).collect()
}
