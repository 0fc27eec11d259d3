//! What flows lean on: inbox, progress, timers, dead letters, single ownership.

use super::journal_support::{Process, context, eventually, grant, reserve, wallet};
use crate::harness;
use domain::Command;
use journal::dead_letters::{self, Failure, State};
use journal::health;
use journal::inbox::{self, InboxState, Step};
use journal::progress::{self, Interest};
use journal::timers::{self, Timer, runner};
use journal::{Context, Rider, owner, read};
use serde_json::json;
use sqlx::{Connection, PgConnection, PgPool};
use time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_step_is_new_then_started_then_done() {
    let database = harness::database().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let step = Step { saga: "checkout", position: 7, action_index: 1 };
    assert_eq!(inbox::begin(&mut connection, step).await.unwrap(), InboxState::New);
    assert_eq!(inbox::begin(&mut connection, step).await.unwrap(), InboxState::Started { attempts: 2 });
    let other = Step { action_index: 0, ..step };
    assert_eq!(inbox::begin(&mut connection, other).await.unwrap(), InboxState::New);
    assert!(inbox::finish(&database.pool, step, &json!({"token": 1})).await.unwrap());
    assert!(!inbox::finish(&database.pool, step, &json!({"token": 2})).await.unwrap(), "the first stays");
    let done = InboxState::Done { outcome: json!({"token": 1}) };
    assert_eq!(inbox::begin(&mut connection, step).await.unwrap(), done);
}

const GRANTED: &[Interest] = &[Interest { aggregate_type: "wallet", event_type: "granted" }];

/// Odd positions concern the flow, even ones do not.
async fn six_events(process: &Process) {
    for n in 0..3 {
        let id = wallet();
        let unit = vec![grant(id, &n.to_string(), 5), reserve(id, 1)];
        process.commands.execute(unit, &context(), Rider::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_flow_finds_what_was_never_delivered_to_it() {
    let database = harness::database().await;
    let pool = &database.pool;
    let process = Process::start(pool);
    six_events(&process).await;
    let missing = || progress::missing_positions(pool, "checkout", GRANTED, 6, 10);
    let advance = || async {
        let mut connection = pool.acquire().await.unwrap();
        progress::advance(&mut connection, "checkout", GRANTED, 6).await.unwrap()
    };
    assert_eq!(missing().await.unwrap(), [1, 3, 5]);

    progress::mark_handled(pool, "checkout", 3).await.unwrap();
    progress::mark_handled(pool, "checkout", 3).await.unwrap();
    assert_eq!(missing().await.unwrap(), [1, 5]);
    assert_eq!(advance().await, 0);
    progress::mark_handled(pool, "checkout", 1).await.unwrap();
    assert_eq!(advance().await, 4, "the mark passes what does not concern the flow");
    assert_eq!(progress::handled_up_to(pool, "checkout").await.unwrap(), 4);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM saga_handled").fetch_one(pool).await.unwrap();
    assert_eq!(left, 0, "swept");
    for (position, handled) in [(1, true), (3, true), (4, true), (5, false)] {
        assert_eq!(progress::is_handled(pool, "checkout", position).await.unwrap(), handled, "{position}");
    }
    let events = progress::missing(pool, "checkout", GRANTED, 6, &[], 10).await.unwrap();
    assert_eq!(events, [read::event(pool, 5).await.unwrap().unwrap()]);
    assert_eq!(missing().await.unwrap(), [5]);
    progress::mark_handled(pool, "checkout", 5).await.unwrap();
    assert_eq!(advance().await, 6);

    progress::start_behind(pool, "newcomer", 4).await.unwrap();
    assert_eq!(progress::missing_positions(pool, "newcomer", GRANTED, 6, 10).await.unwrap(), [5]);
    process.end().await;
}

async fn set_timer(pool: &PgPool, process: &Process, index: i32, command: Command, after: Duration) -> Timer {
    let id = timers::id_of("checkout", 1, index);
    let now = process.clock.now();
    let context = Context { causation_position: Some(1), ..context() };
    let timer = Timer { id, due_at: now + after, command, context };
    assert!(timers::schedule(pool, &timer, now).await.unwrap());
    timer
}

fn with_timers(pool: &PgPool) -> Process {
    let mut process = Process::start(pool);
    let run =
        runner::run(pool.clone(), process.commands.clone(), process.clock.clone(), process.stop.clone());
    process.spawn(run);
    process
}

async fn outcome(pool: &PgPool, timer: &Timer) -> Option<String> {
    timers::get(pool, timer.id).await.unwrap().unwrap().outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_fires_once_and_not_before_its_time() {
    let database = harness::database().await;
    let pool = &database.pool;
    let (process, standby) = (with_timers(pool), with_timers(pool));
    let id = wallet();
    let timer = set_timer(pool, &process, 0, grant(id, "late", 3), Duration::minutes(30)).await;
    let refused = set_timer(pool, &process, 1, reserve(wallet(), 9), Duration::minutes(30)).await;
    assert!(
        !timers::schedule(pool, &timer, process.clock.now()).await.unwrap(),
        "scheduling twice is harmless"
    );

    for clock in [&process.clock, &standby.clock] {
        clock.advance(Duration::minutes(29));
    }
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(read::head(pool).await.unwrap(), 0);
    assert_eq!(timers::waiting(pool).await.unwrap().waiting, 2);

    for clock in [&process.clock, &standby.clock] {
        clock.advance(Duration::minutes(1));
    }
    eventually("it fires", || async { outcome(pool, &timer).await.is_some() }).await;
    assert_eq!(outcome(pool, &timer).await.unwrap(), "committed");
    let event = read::event(pool, 1).await.unwrap().unwrap();
    assert_eq!(event.metadata["command_id"], timer.id.to_string());
    assert_eq!(event.metadata["correlation_id"], timer.context.correlation_id.to_string());
    eventually("a refusal ends a timer", || async { outcome(pool, &refused).await.is_some() }).await;
    assert_eq!(outcome(pool, &refused).await.unwrap(), "insufficient_credits");

    for clock in [&process.clock, &standby.clock] {
        clock.advance(Duration::days(1));
    }
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(read::head(pool).await.unwrap(), 1, "once");
    process.end().await;
    standby.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_cannot_fire_becomes_a_dead_letter() {
    let database = harness::database().await;
    let pool = &database.pool;
    let process = with_timers(pool);
    // Written by a release that knew other commands; it must not hide the timer behind it.
    let unreadable = set_timer(pool, &process, 0, grant(wallet(), "a", 1), Duration::minutes(1)).await;
    let timer = set_timer(pool, &process, 1, grant(wallet(), "b", 1), Duration::minutes(1)).await;
    sqlx::query("UPDATE timers SET command = '{\"aggregate\": \"unknown\"}' WHERE id = $1")
        .bind(unreadable.id)
        .execute(pool)
        .await
        .unwrap();
    process.clock.advance(Duration::minutes(1));
    eventually("it is buried", || async { outcome(pool, &unreadable).await.is_some() }).await;
    assert_eq!(outcome(pool, &unreadable).await.unwrap(), "dead_letter");
    eventually("the other one fires", || async { outcome(pool, &timer).await.is_some() }).await;
    let letter = dead_letters::get(pool, unreadable.id).await.unwrap().unwrap();
    assert_eq!((letter.flow.as_str(), letter.state), (runner::NAME, State::Open));
    process.end().await;
}

#[tokio::test]
async fn a_dead_letter_is_kept_once_per_step_until_somebody_resolves_it() {
    let database = harness::database().await;
    let pool = &database.pool;
    let at = time::macros::datetime!(2026-11-24 09:00 UTC);
    let action = json!({"call": "capture"});
    let failure = |attempts, minutes| Failure {
        id: dead_letters::id_of("checkout", 12, 0),
        flow: "checkout",
        position: Some(12),
        action_index: 0,
        action: &action,
        error: "provider answered 500",
        attempts,
        at: at + Duration::minutes(minutes),
    };
    dead_letters::record(pool, &failure(5, 0)).await.unwrap();
    dead_letters::record(pool, &failure(6, 1)).await.unwrap();
    let letters = dead_letters::list(pool, Some("checkout"), Some(State::Open), 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.attempts, letter.first_at, letter.last_at), (6, at, at + Duration::minutes(1)));

    let counts = health::letters(pool).await.unwrap();
    assert_eq!(
        counts.iter().map(|count| (count.flow.as_str(), count.open)).collect::<Vec<_>>(),
        [("checkout", 1)]
    );
    let resolve = || dead_letters::resolve(pool, letter.id, State::Replayed, "provider is back", at);
    assert!(resolve().await.unwrap());
    assert!(!resolve().await.unwrap(), "it was resolved already");
    assert_eq!(health::letters(pool).await.unwrap(), []);

    dead_letters::record(pool, &failure(7, 2)).await.unwrap();
    let again = dead_letters::get(pool, letter.id).await.unwrap().unwrap();
    assert_eq!((again.state, again.resolution), (State::Open, None), "a failed replay is open again");
}

#[tokio::test]
async fn a_name_has_one_owner_and_passes_on_when_its_connection_ends() {
    let database = harness::database().await;
    let pool = &database.pool;
    let mut first = owner::try_acquire(pool, "projection:orders").await.unwrap().unwrap();
    assert!(owner::try_acquire(pool, "projection:orders").await.unwrap().is_none());
    owner::try_acquire(pool, "projection:payments").await.unwrap().unwrap();

    let stop = CancellationToken::new();
    let (next, ()) = tokio::join!(owner::acquire(pool, "projection:orders", &stop), async {
        let backend = sqlx::query_scalar("SELECT pg_backend_pid()");
        let backend: i32 = backend.fetch_one(first.connection()).await.unwrap();
        let mut owner = PgConnection::connect(&database.url).await.unwrap();
        let kill = sqlx::query("SELECT pg_terminate_backend($1)").bind(backend);
        kill.execute(&mut owner).await.unwrap();
    });
    let next = next.unwrap();
    stop.cancel();
    assert!(owner::acquire(pool, "projection:orders", &stop).await.is_none());
    next.release().await;
}
