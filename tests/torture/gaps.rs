//! Complaints about other journals: a server killed between insert and commit, a hole, a reader ahead of the journal.

use crate::child::{Child, Line, Task};
use crate::load::{self, Answer, Load, Outcome};
use crate::readers::Readers;
use crate::{held, oracle, plan};
use harness::cluster::OwnCluster;
use harness::door::{Process, context, grant, wallet};
use harness::eventually_within;
use journal::relay::Activity;
use journal::{Rider, Wake, read};
use projections::State;
use sqlx::PgPool;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const LIMIT: Duration = Duration::from_mins(1);

async fn filled(pool: &PgPool, events: i64) -> Process {
    let process = Process::start(pool);
    for n in 0..events {
        let unit = vec![grant(wallet(), &n.to_string(), 1)];
        process.commands.execute(unit, &context(), Rider::default()).await.unwrap();
    }
    process
}

/// Killed with rows inserted and not committed, and a load on: no hole afterwards, and every answer holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_between_insert_and_commit_leaves_no_hole() {
    let mut cluster = OwnCluster::start(true).await;
    let pool = cluster.pool().await;
    let (readers, process) = (Readers::start(&pool).await, Process::start(&pool));
    let kills = plan::rounds().div_ceil(2);
    let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
    for kill in 0..kills {
        let load = Load { process: kill, shared: vec![], callers: 4, commands: 30 };
        let (commands, kept) = (process.commands.clone(), Arc::clone(&answers));
        let work = tokio::spawn(async move {
            let chance = |caller| plan::chance(&format!("kill{kill}c{caller}"));
            load::run(&commands, &load, chance, move |answer| kept.lock().unwrap().push(answer)).await;
        });
        let task = Task::Holds { url: cluster.url(), idle_timeout_ms: 60_000 };
        let mut holder = Child::start(&task).await;
        let held = |line: &Line| matches!(line, Line::Held { .. }).then_some(());
        holder.hears("rows are inserted and not committed", held).await;
        cluster.postgres.kill().unwrap();
        cluster.postgres.start_again().await.unwrap();
        holder.tell("commit").await;
        let released = |line: &Line| match line {
            Line::Released { error } => Some(error.clone()),
            _ => None,
        };
        assert!(holder.hears("it is told", released).await.is_some(), "nothing was committed");
        holder.finish().await;
        work.await.unwrap();
    }
    let answers = answers.lock().unwrap().split_off(0);
    let seen = oracle::check(&pool, &answers, &[]).await;
    readers.finish(read::head(&pool).await.unwrap()).await;
    let stats = process.commands.writer().stats();
    process.end().await;
    println!("server killed: {kills} kills, lost {}, already {}, {seen:?}", stats.lost, stats.already);
}

/// A hole can only be made with the triggers off. Every reader stops there and says so; commands go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_stops_every_reader_loudly_at_its_position() {
    let database = harness::database().await;
    let pool = &database.pool;
    let process = filled(pool, 20).await;
    let mut owner = held::superuser(pool).await;
    held::disarm(&mut owner).await;
    sqlx::query("DELETE FROM events WHERE position = 9").execute(&mut owner).await.unwrap();

    let gap = read::page(pool, 0, 100, usize::MAX).await.unwrap_err();
    assert!(matches!(gap, read::ReadError::Gap { expected: 9, found: 10 }), "{gap}");
    let (stop, nats) = (CancellationToken::new(), harness::nats().await);
    let mut readers = Readers::unfollowed(pool, nats, stop.clone()).await;
    eventually_within(LIMIT, "all projections stop at the hole", async || {
        let all = projections::status(pool).await.unwrap();
        let stopped = |state: &State| match state {
            State::Stopped { position, cause } => *position == 9 && cause.contains("expected position 9"),
            State::Live | State::New | State::Outdated { .. } => false,
        };
        all.iter().all(|one| stopped(&one.state)).then_some(())
    })
    .await;
    eventually_within(LIMIT, "the relay says where it stands", async || {
        let status = readers.relay.get();
        let said = status.last_error.is_some_and(|error| error.contains("expected position 9"));
        (status.activity == Activity::Interrupted && said && status.position < 9).then_some(())
    })
    .await;
    let unit = vec![grant(wallet(), "after", 1)];
    let committed = process.commands.execute(unit, &context(), Rider::default()).await.unwrap();
    assert_eq!(committed.position, 21, "commands go on");
    stop.cancel();
    readers.end().await;
    process.end().await;
    println!("hole at 9: 20 events, {} read models and the relay stopped", projections::ALL.len());
}

/// As after a restore of older events beneath newer read models: what the reader had read is not there any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_ahead_of_the_journal_stops_instead_of_skipping() {
    let database = harness::database().await;
    let pool = &database.pool;
    let process = filled(pool, 20).await;
    let run = |stop: CancellationToken| {
        tokio::spawn(projections::run(pool.clone(), Wake::polling(Duration::from_millis(20)), stop))
    };
    let stop = CancellationToken::new();
    let running = run(stop.clone());
    eventually_within(LIMIT, "the read models are at 20", async || {
        let all = projections::status(pool).await.unwrap();
        all.iter().all(|one| one.position == 20).then_some(())
    })
    .await;
    stop.cancel();
    running.await.unwrap();

    let mut owner = held::superuser(pool).await;
    held::disarm(&mut owner).await;
    sqlx::query("DELETE FROM events WHERE position > 10").execute(&mut owner).await.unwrap();
    let gap = read::page(pool, 20, 100, usize::MAX).await.unwrap_err();
    assert!(matches!(gap, read::ReadError::Gap { expected: 20, .. }), "{gap}");
    let stop = CancellationToken::new();
    let running = run(stop.clone());
    eventually_within(LIMIT, "all read models stop", async || {
        let all = projections::status(pool).await.unwrap();
        all.iter().all(|one| matches!(one.state, State::Stopped { position: 20, .. })).then_some(())
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    // What was lost by the restore is not in anybody's way: the journal goes on behind what it has.
    let (origin, id) = (context(), Uuid::new_v4());
    let answer = load::once(&process.commands, 1, &origin, &load::command_of(id, 1), (id, 1)).await;
    assert_eq!(answer.outcome, Outcome::Committed { position: 11 });
    process.end().await;
    println!(
        "journal behind its readers: 20 events, 10 left, {} read models stopped",
        projections::ALL.len()
    );
}
