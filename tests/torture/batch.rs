//! One bad row in a batch: its own caller is told, and nobody else.

use crate::held;
use domain::AccountId;
use harness::door::{Process, context, first_waits, grant, others_wait, wallet};
use journal::writer::WriteError;
use journal::{Claim, CommandError, Commands, Committed, PrepareError, Rider, leaf, read};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

const GOOD: usize = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    /// Wants what somebody else has claimed.
    Claims,
    /// Decided before another process extended its stream.
    Late,
    /// Violates what only the database knows.
    Unlucky,
}

fn taken() -> Rider {
    let claim = Claim { scope: "email".to_owned(), key: "taken@example.com".to_owned() };
    Rider { claims: vec![claim], idempotency: None }
}

type Results = JoinSet<(Kind, Result<Committed, CommandError>)>;

fn send(results: &mut Results, commands: &Commands, kind: Kind, id: AccountId) {
    let commands = commands.clone();
    let rider = if kind == Kind::Claims { taken() } else { Rider::default() };
    let reference = if kind == Kind::Unlucky { "unlucky" } else { "fine" };
    let unit = vec![grant(id, reference, 1)];
    results.spawn(async move { (kind, commands.execute(unit, &context(), rider).await) });
}

fn is_right(kind: Kind, result: &Result<Committed, CommandError>) -> bool {
    match (kind, result) {
        (Kind::Good, Ok(_)) => true,
        // It is decided anew on what the other one wrote.
        (Kind::Late, Ok(committed)) => committed.events[0].sequence == 2,
        (Kind::Claims, Err(CommandError::ClaimTaken { .. })) => true,
        (Kind::Unlucky, Err(CommandError::Store(WriteError::Refused(cause)))) => {
            cause.as_database_error().unwrap().code().unwrap() == "23514"
        }
        _ => false,
    }
}

async fn bad_among_good(unlucky: usize) {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    let check = "ALTER TABLE events ADD CHECK (payload->>'reference' <> 'unlucky')";
    sqlx::query(check).execute(&mut owner).await.unwrap();
    let commands = &process.commands;
    commands.execute(vec![grant(wallet(), "owner", 1)], &context(), taken()).await.unwrap();

    let mut holder = held::lock(&mut owner).await;
    let mut results = Results::new();
    send(&mut results, commands, Kind::Good, wallet());
    first_waits(&database.pool).await;
    for (kind, count) in [(Kind::Good, GOOD), (Kind::Claims, 1), (Kind::Unlucky, unlucky)] {
        (0..count).for_each(|_| send(&mut results, commands, kind, wallet()));
    }
    let late = wallet();
    send(&mut results, commands, Kind::Late, late);
    let queued = GOOD + 2 + unlucky;
    others_wait(commands, queued).await;
    refused_before_they_wait(&process).await;
    held::append(&mut holder, &held::granted(Uuid::new_v4(), late.0, 1)).await.unwrap();
    holder.commit().await.unwrap();

    for (kind, result) in results.join_all().await {
        assert!(is_right(kind, &result), "{kind:?}: {result:?}");
    }
    let events = u64::try_from(GOOD).unwrap() + 4;
    let verified = leaf::verify(&database.pool, 0, |_| {}).await.unwrap();
    assert_eq!((verified.events, verified.bad), (events, None), "positions without a hole");
    let stats = commands.writer().stats();
    assert_eq!(stats.splits > 0, unlucky > 0, "{stats:?}");
    assert!(unlucky > 0 || stats.largest_batch >= queued as u64, "{stats:?}");
    println!("batch of {queued}: {events} events, {} bad, splits {}", 1 + unlucky, stats.splits);
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_command_in_a_batch_hurts_nobody_else() {
    for unlucky in [0, 1, 3] {
        bad_among_good(unlucky).await;
    }
}

/// What can be known to be bad does not even wait.
async fn refused_before_they_wait(process: &Process) {
    let nul = grant(wallet(), "a\0b", 1);
    let result = process.commands.execute(vec![nul], &context(), Rider::default()).await;
    assert!(matches!(result, Err(CommandError::Unstorable(PrepareError::Nul { .. }))), "{result:?}");
    let large = grant(wallet(), &"x".repeat(256 * 1024), 1);
    let result = process.commands.execute(vec![large], &context(), Rider::default()).await;
    assert!(matches!(result, Err(CommandError::Unstorable(PrepareError::TooLarge { .. }))), "{result:?}");
}

/// The same at the database's own door, for a writer that would not look.
#[tokio::test]
async fn what_the_database_refuses_leaves_no_trace() {
    let database = harness::database().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let event = || held::granted(Uuid::new_v4(), Uuid::new_v4(), 1);
    for (payload, code) in [(r#"{"a":"\u0000"}"#, "22P05"), ("{\"a\":\"\0\"}", "22021"), ("{", "22P02")] {
        let error = held::append_text(&mut connection, &event(), payload).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), code, "{payload:?}: {error}");
    }
    let nothing = held::granted(Uuid::new_v4(), Uuid::new_v4(), 0);
    let error = held::append(&mut connection, &nothing).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "23514", "{error}");
    let twice = event();
    assert_eq!(held::append(&mut connection, &twice).await.unwrap(), 0, "the first position is still free");
    let error = held::append(&mut connection, &twice).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "23505", "{error}");
    assert_eq!(held::append(&mut connection, &event()).await.unwrap(), 1, "no hole");
    assert_eq!(read::head(&database.pool).await.unwrap(), 2);
    println!("at the database: 5 refused rows, 2 events");
}
