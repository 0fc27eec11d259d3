//! Those who only stand around: a transaction that writes and idles in another database, and a report that reads ours
//! from one long snapshot. Neither holds back a reader, and neither makes the journal rot.

use crate::load::{self, Load};
use crate::readers::{PAGE_EVENTS, Readers};
use crate::{oracle, plan};
use harness::TestDatabase;
use harness::door::Process;
use harness::eventually_within;
use journal::read;
use sqlx::{Connection, PgConnection, PgPool};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Per round; 5,000 in the short form.
const COMMANDS: u32 = 1_250;
const CALLERS: u32 = 25;

#[derive(Debug)]
struct Measured {
    events: i64,
    per_second: u128,
    lag_max: i64,
    /// Dead rows of `events`, and of `checkpoints`.
    dead: i64,
    dead_checkpoints: i64,
    updates: i64,
    hot_updates: i64,
}

async fn measured(database: &TestDatabase) -> Measured {
    let pool = &database.pool;
    let (readers, process) = (Readers::start(pool).await, Process::start(pool));
    let answers = Arc::new(Mutex::new(Vec::new()));
    let (kept, commands) = (Arc::clone(&answers), COMMANDS * plan::rounds() / CALLERS);
    let load = Load { process: 1, shared: vec![], callers: CALLERS, commands };
    let began = Instant::now();
    let chance = |caller| plan::chance(&format!("bystanders{caller}"));
    load::run(&process.commands, &load, chance, move |answer| kept.lock().unwrap().push(answer)).await;
    let millis = began.elapsed().as_millis().max(1);
    process.end().await;
    let events = read::head(pool).await.unwrap();
    let followed = Arc::clone(&readers.followed);
    readers.finish(events).await;
    let answers = answers.lock().unwrap().split_off(0);
    oracle::check(pool, &answers, &[]).await;
    let [_, dead, ..] = counted(pool, "events", events).await;
    let [_, dead_checkpoints, updates, hot_updates] = counted(pool, "checkpoints", 1).await;
    let per_second = u128::try_from(events).unwrap() * 1_000 / millis;
    let lag_max = followed.lag_max.load(SeqCst);
    Measured { events, per_second, lag_max, dead, dead_checkpoints, updates, hot_updates }
}

/// Inserted, dead, updated and updated in place; the server counts with a delay.
async fn counted(pool: &PgPool, table: &str, inserted: i64) -> [i64; 4] {
    eventually_within(Duration::from_mins(1), "the server has counted", async || {
        let counts: (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT n_tup_ins, n_dead_tup, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = $1::regclass",
        )
        .bind(table)
        .fetch_one(pool)
        .await
        .unwrap();
        (counts.0 >= inserted).then_some(counts.into())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_writer_elsewhere_and_a_long_reader_change_nothing() {
    let alone = measured(&harness::database().await).await;

    let (database, elsewhere) = (harness::database().await, harness::database().await);
    let mut idle = PgConnection::connect(&elsewhere.url).await.unwrap();
    let write = "BEGIN; INSERT INTO claims VALUES ('s', 'k', 'wallet', 'w', 'c', now())";
    sqlx::raw_sql(write).execute(&mut idle).await.unwrap();
    let mut report = PgConnection::connect(&database.url).await.unwrap();
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events";
    sqlx::raw_sql(snapshot).execute(&mut report).await.unwrap();
    let disturbed = measured(&database).await;
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut report).await.unwrap();
    assert_eq!(seen, 0, "the snapshot was open all the time");
    sqlx::raw_sql("ROLLBACK").execute(&mut idle).await.unwrap();

    for measured in [&alone, &disturbed] {
        assert_eq!(measured.dead, 0, "the journal has no dead rows: {measured:?}");
        assert!(measured.lag_max <= 2 * PAGE_EVENTS, "readers keep up: {measured:?}");
        assert!(measured.hot_updates * 10 >= measured.updates * 9, "checkpoints stay in place: {measured:?}");
    }
    assert_eq!(alone.events, disturbed.events, "the same work was done");
    let percent = 100 * disturbed.per_second / alone.per_second.max(1);
    let dead = [alone.dead_checkpoints, disturbed.dead_checkpoints];
    println!(
        "bystanders: {percent} % of the throughput without, {dead:?} dead checkpoints; {alone:?}; {disturbed:?}"
    );
}
