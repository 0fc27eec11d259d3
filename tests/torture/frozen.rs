//! A writer that stands still past every limit: of the server's statements, of the connection, of its own call.
//!
//! The writer's own limit (20 s for a call) is not shortened for a test: its backend is stopped instead of itself,
//! and the test waits for the second connection that it opens.

use crate::child::{Child, Line, Task, send_signal};
use crate::load::{Answer, Load, Outcome};
use crate::{held, oracle};
use harness::door::{Process, context, grant, wallet};
use harness::{TestDatabase, eventually, eventually_within};
use journal::{Rider, read};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// The process number of the child; its sessions are named after it.
const CHILD: u32 = 7;

struct Scene {
    database: TestDatabase,
    child: Child,
    /// Holds the lock.
    holder: PgConnection,
}

/// The child's call is on its way and waits for the lock, which the test holds.
async fn in_flight(statement_timeout_ms: u64) -> Scene {
    let database = harness::database().await;
    let mut holder = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT pg_advisory_xact_lock(journal_lock())").execute(&mut holder).await.unwrap();
    let load = Load { process: CHILD, shared: vec![], callers: 4, commands: 5 };
    let task = Task::Appends { url: database.url.clone(), statement_timeout_ms, load };
    let child = Child::start(&task).await;
    let pool = &database.pool;
    eventually("its call waits for the lock", async || (held::waiting(pool).await == 1).then_some(())).await;
    Scene { database, child, holder }
}

async fn release(mut holder: PgConnection) {
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
}

/// Commands of another process, which must not be hindered; answers their ids.
async fn others_append(pool: &PgPool, commands: usize) -> Vec<Uuid> {
    let process = Process::start(pool);
    let mut ids = Vec::new();
    for n in 0..commands {
        let origin = context();
        let unit = vec![grant(wallet(), &n.to_string(), 1)];
        process.commands.execute(unit, &origin, Rider::default()).await.unwrap();
        ids.push(origin.command_id);
    }
    process.end().await;
    ids
}

/// Cuts all sessions of the child, and waits until the server has none.
async fn terminate(pool: &PgPool) {
    let sessions = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1";
    let (name, cut) =
        (format!("torture-{CHILD}"), format!("SELECT count(pg_terminate_backend(pid)) {sessions}"));
    let mut superuser = held::superuser(pool).await;
    let cut: i64 = sqlx::query_scalar(&cut).bind(&name).fetch_one(&mut superuser).await.unwrap();
    assert!(cut > 0);
    let count = format!("SELECT count(*) {sessions}");
    eventually("its sessions are gone", async || {
        let left: i64 = sqlx::query_scalar(&count).bind(&name).fetch_one(&mut superuser).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
}

/// The writer's counters: lost connections, and commands found written.
async fn counters(child: &mut Child) -> (u64, u64) {
    let done = |line: &Line| match line {
        Line::Done { lost, already, .. } => Some((*lost, *already)),
        _ => None,
    };
    child.hears("the child is done", done).await
}

fn first_position(answers: &[Answer]) -> i64 {
    let positions = answers.iter().filter_map(|answer| match answer.outcome {
        Outcome::Committed { position } => Some(position),
        _ => None,
    });
    positions.min().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_stopped_past_the_statements_limit_writes_behind_the_others() {
    let Scene { database, child, holder } = in_flight(1_000).await;
    let pool = &database.pool;
    child.stop().await;
    eventually("the server cancels its call", async || (held::waiting(pool).await == 0).then_some(())).await;
    release(holder).await;
    let others = others_append(pool, 10).await;
    child.go_on().await;
    let answers = child.finish().await;
    assert_eq!(first_position(&answers), 11, "what was cancelled had no position");
    let seen = oracle::check(pool, &answers, &others).await;
    println!("stopped past the statement's limit: 2 writers, {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_while_the_writer_stood_still_is_found() {
    let Scene { database, mut child, holder } = in_flight(60_000).await;
    let pool = &database.pool;
    child.stop().await;
    release(holder).await;
    let written = async || (read::head(pool).await.unwrap() > 0).then_some(());
    eventually("the server commits its call", written).await;
    let others = others_append(pool, 10).await;
    terminate(pool).await;
    child.go_on().await;
    counters(&mut child).await;
    let answers = child.finish().await;
    assert_eq!(first_position(&answers), 1, "its first call was the first of all");
    let seen = oracle::check(pool, &answers, &others).await;
    println!("committed while stopped: 2 writers, {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_while_the_writer_stood_still_is_written_once() {
    let Scene { database, mut child, holder } = in_flight(60_000).await;
    let pool = &database.pool;
    child.stop().await;
    terminate(pool).await;
    release(holder).await;
    let others = others_append(pool, 10).await;
    child.go_on().await;
    let (lost, already) = counters(&mut child).await;
    assert!(lost >= 1, "it noticed");
    assert_eq!(already, 0, "nothing had been written");
    let answers = child.finish().await;
    assert_eq!(first_position(&answers), 11);
    let seen = oracle::check(pool, &answers, &others).await;
    println!("cut while stopped: 2 writers, lost {lost}, {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_past_the_writers_own_limit_is_found_and_not_repeated() {
    let Scene { database, mut child, holder } = in_flight(60_000).await;
    let pool = &database.pool;
    let waits =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    let mut superuser = held::superuser(pool).await;
    let first: i32 = sqlx::query_scalar(waits).fetch_one(&mut superuser).await.unwrap();
    let backend = u32::try_from(first).unwrap();
    send_signal("STOP", backend).await;
    // The lock goes to the call that stands still.
    release(holder).await;
    let second = async || {
        let waiting: Vec<i32> = sqlx::query_scalar(waits).fetch_all(&mut superuser).await.unwrap();
        waiting.iter().any(|pid| *pid != first).then_some(())
    };
    eventually_within(Duration::from_mins(1), "the writer gives its call up and asks anew", second).await;
    assert_eq!(read::head(pool).await.unwrap(), 0);
    send_signal("CONT", backend).await;
    let (lost, already) = counters(&mut child).await;
    assert!(lost == 1 && already >= 1, "found under its id: lost {lost}, already {already}");
    let answers = child.finish().await;
    assert_eq!(first_position(&answers), 1);
    let seen = oracle::check(pool, &answers, &[]).await;
    assert_eq!((seen.not_written, seen.unknown), (0, 0), "its callers noticed nothing: {seen:?}");
    println!("call past its limit: 1 writer, lost {lost}, already {already}, {seen:?}");
}
