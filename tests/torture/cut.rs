//! The connection is cut around a commit: the command is found by its id, and is in the journal exactly once.

use crate::load::{self, Answer, Load, Outcome};
use crate::proxy::{Cut, Proxy};
use crate::{held, oracle, plan};
use harness::door::{Process, context};
use harness::{TestDatabase, eventually};
use journal::{ConnectOptions, Rider, connect, read};
use sqlx::PgConnection;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// A writer behind a proxy, with a connection that is already open; loads come from elsewhere.
pub async fn behind_a_proxy(database: &TestDatabase) -> (Proxy, Process, Uuid) {
    let proxy = Proxy::before(&database.url).await;
    let proxied = connect(&proxy.url, &ConnectOptions::default()).await.unwrap();
    let process = Process::start_with_writer_on(&database.pool, &proxied);
    let origin = context();
    let first = vec![load::command_of(Uuid::new_v4(), 1)];
    process.commands.execute(first, &origin, Rider::default()).await.unwrap();
    (proxy, process, origin.command_id)
}

/// Several callers at once, so that a call carries more than one command; `number` makes each go differently.
async fn work_off(process: &Process, number: u32, callers: u32, commands: u32) -> Vec<Answer> {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&answers);
    let load = Load { process: 1, shared: vec![], callers, commands };
    let chance = |caller| plan::chance(&format!("cut{number}c{caller}"));
    load::run(&process.commands, &load, chance, move |answer| kept.lock().unwrap().push(answer)).await;
    let answers = answers.lock().unwrap();
    answers.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cut_anywhere_is_committed_once_and_answered_rightly() {
    for cut in Cut::ALL {
        let database = harness::database().await;
        let (proxy, process, first) = behind_a_proxy(&database).await;
        proxy.cut(&[cut]);
        let answers = work_off(&process, 1, 6, 3).await;
        assert!(proxy.is_done(), "{cut:?} did not happen");
        let seen = oracle::check(&database.pool, &answers, &[first]).await;
        assert_eq!((seen.not_written, seen.unknown), (0, 0), "{cut:?}: callers noticed nothing");
        let stats = process.commands.writer().stats();
        let reached = matches!(cut, Cut::BeforeTheAnswer | Cut::InTheAnswer);
        assert_eq!(stats.already > 0, reached, "{cut:?}: {stats:?}");
        assert_eq!((stats.lost, stats.connects), (1, 2), "{cut:?}");
        process.end().await;
        println!("{cut:?}: 6 callers, already {}, {seen:?}", stats.already);
    }
}

/// The look-up after a cut is cut as well, in every combination that chance finds.
#[tokio::test(flavor = "multi_thread")]
async fn calls_cut_again_and_again_are_committed_once() {
    let database = harness::database().await;
    let (proxy, process, first) = behind_a_proxy(&database).await;
    let (mut chance, mut answers, mut cuts) = (plan::chance("cuts"), Vec::new(), 0);
    for round in 0..plan::rounds() {
        let some: Vec<Cut> = (0..=chance.below(3)).map(|_| *chance.one_of(&Cut::ALL)).collect();
        proxy.cut(&some);
        cuts += some.len();
        answers.extend(work_off(&process, round, 6, 4).await);
    }
    assert!(proxy.is_done());
    let seen = oracle::check(&database.pool, &answers, &[first]).await;
    let stats = process.commands.writer().stats();
    process.end().await;
    println!("cut again and again: {cuts} cuts, lost {}, already {}, {seen:?}", stats.lost, stats.already);
}

/// The writer gives up after four lost connections, and then says what it knows: nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_cannot_be_looked_up_is_called_unknown() {
    for (cut, written) in [(Cut::BeforeTheAnswer, 2), (Cut::BeforeTheRequest, 1)] {
        let database = harness::database().await;
        let (proxy, process, first) = behind_a_proxy(&database).await;
        proxy.cut(&[cut; 4]);
        let (context, wallet) = (context(), Uuid::new_v4());
        let command = load::command_of(wallet, 3);
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(load::once(&process.commands, 1, &context, &command, (wallet, 3)).await);
            if answers.len() == 1 {
                assert_eq!(answers[0].outcome, Outcome::Unknown, "{cut:?}");
                assert_eq!(read::head(&database.pool).await.unwrap(), written, "{cut:?}");
            }
        }
        for repeated in &answers[1..] {
            assert_eq!(repeated.outcome, Outcome::Committed { position: 2 }, "{cut:?}");
        }
        oracle::check(&database.pool, &answers, &[first]).await;
        process.end().await;
    }
    println!("unknown outcomes: 8 cuts, 2 unknown, 2 found by a repeat");
}

/// Ends all writers of the database that are in a call; answers how many.
async fn terminate_writers(superuser: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT%journal_append%' \
         AND pid <> pg_backend_pid()",
    )
    .fetch_one(superuser)
    .await
    .unwrap()
}

/// Ends one call of the writer for sure: it is made to wait for the journal's lock, ended there, and let go on.
async fn end_a_call(database: &TestDatabase, superuser: &mut PgConnection, owner: &mut PgConnection) -> i64 {
    let lock = held::lock(owner).await;
    eventually("a call waits for the lock", async || (held::waiting(&database.pool).await > 0).then_some(()))
        .await;
    let ended = terminate_writers(superuser).await;
    lock.rollback().await.unwrap();
    let head = read::head(&database.pool).await.unwrap();
    eventually("the writer goes on", async || {
        (read::head(&database.pool).await.unwrap() > head).then_some(())
    })
    .await;
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ended_by_the_server_during_calls_loses_and_doubles_nothing() {
    let database = harness::database().await;
    let process = Arc::new(Process::start(&database.pool));
    let (enough, mut ended) = (Arc::new(AtomicBool::new(false)), 0);
    let load = tokio::spawn({
        let (process, enough) = (Arc::clone(&process), Arc::clone(&enough));
        async move {
            let mut answers = Vec::new();
            for round in 0.. {
                answers.extend(work_off(&process, round, 6, 30).await);
                if enough.load(Relaxed) {
                    break;
                }
            }
            answers
        }
    });
    let mut superuser = held::superuser(&database.pool).await;
    let mut owner = held::superuser(&database.pool).await;
    for _ in 0..plan::rounds() {
        ended += end_a_call(&database, &mut superuser, &mut owner).await;
    }
    enough.store(true, Relaxed);
    let answers = load.await.unwrap();
    assert_eq!(ended, i64::from(plan::rounds()), "each round meets a call");
    let seen = oracle::check(&database.pool, &answers, &[]).await;
    let stats = process.commands.writer().stats();
    assert_eq!((seen.not_written, seen.unknown), (0, 0), "callers noticed nothing");
    Arc::into_inner(process).unwrap().end().await;
    println!(
        "ended by the server: {ended} sessions, lost {}, already {}, {seen:?}",
        stats.lost, stats.already
    );
}
