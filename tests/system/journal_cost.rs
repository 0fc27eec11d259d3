//! What a batch of commands costs the database: counted, not timed, so that no noise hides a regression.

use super::journal_support::{Process, context, eventually, grant, wallet};
use crate::harness;
use domain::AccountId;
use futures::StreamExt;
use harness::cluster::OwnCluster;
use journal::relay::{self, StreamOptions};
use journal::{Clock, Rider, timers};
use sqlx::PgPool;
use std::sync::Mutex;

/// Statements, and flushes of the write-ahead log, that one batch may cost on average.
const PER_BATCH_MAX: f64 = 1.05;

/// What a command sends: a call that appends, or a look into a stream. Readers ask by position.
const DOOR_STATEMENTS: &str = "SELECT coalesce(sum(calls), 0)::float8 FROM pg_stat_statements \
    WHERE query LIKE '%journal_append%' OR query LIKE '%aggregate_id = r.aggregate_id%'";

/// Of client connections alone: what commits lazily is flushed by the server's own writer, for all at once.
const FLUSHES: &str = "SELECT coalesce(sum(fsyncs), 0)::float8 FROM pg_stat_io \
    WHERE object = 'wal' AND backend_type = 'client backend'";

const SCANS: &str = "SELECT seq_scan::float8 FROM pg_stat_user_tables WHERE relname = 'events'";

/// Connections of ours; each reports what it has counted at its end at the latest.
const OPEN: &str = "SELECT count(*)::float8 FROM pg_stat_activity WHERE application_name = 'polikrami'";

/// Four wallets, 151 grants each.
const EVENTS: i64 = 604;

async fn count(owner: &PgPool, statement: &'static str) -> f64 {
    sqlx::query_scalar(statement).fetch_one(owner).await.unwrap()
}

/// Everything that follows the journal, beside the door.
async fn with_everything_on(pool: &PgPool, nats_url: &str) -> (Process, relay::StatusReader) {
    let mut process = Process::start(pool);
    let client = async_nats::connect(nats_url).await.unwrap();
    let (status, relayed) = relay::status();
    let wake = process.commands.writer().wake();
    let stop = process.stop.clone();
    process.spawn(relay::run(pool.clone(), client, wake, StreamOptions::default(), status, stop));
    let (wake, stop) = (process.commands.writer().wake(), process.stop.clone());
    process.spawn(projections::run(pool.clone(), wake, stop));
    let (commands, stop) = (process.commands.clone(), process.stop.clone());
    process.spawn(timers::runner::run(pool.clone(), commands, Clock::system(), stop));
    (process, relayed)
}

async fn grants(process: &Process, wallets: &[AccountId], times: usize) {
    let one = |id: AccountId| async move {
        for n in 0..times {
            let unit = vec![grant(id, &format!("{times}-{n}"), 1)];
            process.commands.execute(unit, &context(), Rider::default()).await.unwrap();
        }
    };
    futures::stream::iter(wallets.iter().copied()).for_each_concurrent(32, one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_one_statement_and_one_flush_with_everything_on() {
    let (cluster, nats) = (OwnCluster::start_durable().await, harness::nats().await);
    let pool = cluster.pool().await;
    let owner = PgPool::connect(&cluster.url()).await.unwrap();
    sqlx::query("CREATE EXTENSION pg_stat_statements").execute(&owner).await.unwrap();
    let (process, relayed) = with_everything_on(&pool, &nats.url).await;
    let wallets: Vec<_> = (0..4).map(|_| wallet()).collect();
    grants(&process, &wallets, 1).await;
    // Migration and start flush as well; those connections have ended, or hardly matter among hundreds of batches.
    let (statements, flushes) = (count(&owner, DOOR_STATEMENTS).await, count(&owner, FLUSHES).await);
    let warm = process.commands.writer().stats().batches;

    grants(&process, &wallets, 150).await;
    let batches = process.commands.writer().stats().batches - warm;
    let statements = count(&owner, DOOR_STATEMENTS).await - statements;
    eventually("relay and read models are there", || async {
        let read = projections::status(&pool).await.unwrap();
        relayed.get().position == EVENTS && read.iter().all(|one| one.position == EVENTS)
    })
    .await;
    // A connection reports what it has flushed at its end at the latest.
    process.end().await;
    let open = "SELECT concat_ws(' ', state, wait_event, query) FROM pg_stat_activity \
        WHERE application_name = 'polikrami' ORDER BY pid";
    let seen = Mutex::new(Vec::new());
    eventually("the connections have reported", || async {
        // Again each time: a connection given back while the last permits are awaited stays open and idle (sqlx 0.8).
        pool.close().await;
        let now: Vec<String> = sqlx::query_scalar(open).fetch_all(&owner).await.unwrap();
        let before = std::mem::replace(&mut *seen.lock().unwrap(), now.clone());
        if before != now {
            println!("open: {now:#?}");
        }
        now.is_empty()
    })
    .await;
    let flushes = count(&owner, FLUSHES).await - flushes;
    assert!(batches >= 150, "{batches} batches are too few to count by");
    let each = |counted: f64| counted / f64::from(u32::try_from(batches).unwrap());
    println!("{batches} batches: {:.3} statements and {:.3} flushes each", each(statements), each(flushes));
    assert!(
        (0.95..=PER_BATCH_MAX).contains(&each(statements)),
        "{statements} statements for {batches} batches"
    );
    assert!((0.95..=PER_BATCH_MAX).contains(&each(flushes)), "{flushes} flushes for {batches} batches");
    owner.close().await;
}

/// A plan made for a table that vacuum saw empty reads all of it for its last position, and stays: each append would
/// cost more than the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_was_vacuumed_while_empty_is_not_read_whole_for_each_append() {
    let cluster = OwnCluster::start(true).await;
    let pool = cluster.pool().await;
    let owner = PgPool::connect(&cluster.url()).await.unwrap();
    sqlx::query("VACUUM ANALYZE events").execute(&owner).await.unwrap();
    let process = Process::start(&pool);
    let before = count(&owner, SCANS).await;
    grants(&process, &[wallet()], 50).await;
    grants(&process, &[wallet(), wallet(), wallet(), wallet()], 20).await;
    process.end().await;
    eventually("the writer's connection has reported", || async {
        pool.close().await;
        count(&owner, OPEN).await < 0.5
    })
    .await;
    let scans = count(&owner, SCANS).await - before;
    assert!(scans < 10.0, "{scans} times the whole journal was read");
    owner.close().await;
}
