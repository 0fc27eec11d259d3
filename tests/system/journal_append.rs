//! What the door of the journal promises to those who write.

use super::journal_support::{
    Process, context, first_waits, grant, grant_in_tasks, others_wait, reserve, wallet,
};
use crate::harness;
use journal::{Claim, CommandError, IdempotencyRecord, PrepareError, Rider, leaf, read};
use serde_json::json;
use sqlx::Connection;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_contiguous_with_eight_writers_in_two_processes() {
    let database = harness::database().await;
    let (one, two) = (Process::start(&database.pool), Process::start(&database.pool));
    let shared = wallet();
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let commands = if task % 2 == 0 { one.commands.clone() } else { two.commands.clone() };
        tasks.spawn(async move {
            let own = wallet();
            let mut positions = Vec::new();
            for n in 0..25 {
                let id = if n % 5 == 0 { shared } else { own };
                let command = grant(id, &format!("{task}-{n}"), 1);
                let committed = commands.execute(vec![command], &context(), Rider::default()).await.unwrap();
                positions.push(committed.position);
            }
            assert!(positions.is_sorted(), "a task sees its own commands in order");
            positions
        });
    }
    let mut positions: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=200).collect::<Vec<_>>());
    assert_eq!(read::head(&database.pool).await.unwrap(), 200);
    assert_eq!(read::page(&database.pool, 0, 1_000, usize::MAX).await.unwrap().len(), 200);
    let stream = read::stream(&database.pool, "wallet", &shared.to_string()).await.unwrap();
    assert_eq!(stream.iter().map(|event| event.sequence).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
    let verified = leaf::verify(&database.pool, 0, |_| {}).await.unwrap();
    assert_eq!((verified.events, verified.bad), (200, None));
    one.end().await;
    two.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_race_is_repeated_and_fails_no_neighbour() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let shared = wallet();
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        for id in [shared, wallet()] {
            let commands = process.commands.clone();
            tasks.spawn(async move {
                let unit = vec![grant(id, &n.to_string(), 1)];
                commands.execute(unit, &context(), Rider::default()).await.unwrap().position
            });
        }
    }
    tasks.join_all().await;
    assert_eq!(read::head(&database.pool).await.unwrap(), 16);
    let stream = read::stream(&database.pool, "wallet", &shared.to_string()).await.unwrap();
    assert_eq!(stream.len(), 8, "every grant of the contended wallet is there once");
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_has_one_owner_and_only_the_loser_is_told() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let claim = Claim { scope: "email".to_owned(), key: "ayşe@example.com".to_owned() };
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let commands = process.commands.clone();
        let claims = if n < 4 { vec![claim.clone()] } else { vec![] };
        tasks.spawn(async move {
            let id = wallet();
            let rider = Rider { claims, idempotency: None };
            (n < 4, id, commands.execute(vec![grant(id, "welcome", 1)], &context(), rider).await)
        });
    }
    let results = tasks.join_all().await;
    let mut owner = None;
    for (claims, id, result) in results {
        match result {
            Ok(_) if claims => assert_eq!(owner.replace(id), None, "two owners"),
            Ok(_) => {}
            Err(CommandError::ClaimTaken { scope, key }) => {
                assert!(claims, "a neighbour was told of a claim that it never made");
                assert_eq!((scope, key), (claim.scope.clone(), claim.key.clone()));
                let stream = read::stream(&database.pool, "wallet", &id.to_string()).await.unwrap();
                assert_eq!(stream, [], "events of a command without its claim");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    let owner = owner.expect("one gets it");
    let found = read::claim_owner(&database.pool, "email", &claim.key).await.unwrap().unwrap();
    assert_eq!((found.owner_type.as_str(), found.owner_id), ("wallet", owner.to_string()));
    let again = Rider { claims: vec![claim], idempotency: None };
    process.commands.execute(vec![grant(owner, "second", 1)], &context(), again).await.unwrap();
    assert_eq!(read::head(&database.pool).await.unwrap(), 10);
    process.end().await;
}

#[tokio::test]
async fn an_answer_is_recorded_with_its_command_and_given_to_repeats() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let id = wallet();
    let record = IdempotencyRecord {
        scope: format!("account:{id}"),
        key: "k-1".to_owned(),
        fingerprint: "f-1".to_owned(),
        answer: json!({"status": 201}),
    };
    let rider = || Rider { claims: vec![], idempotency: Some(record.clone()) };
    let first = process.commands.execute(vec![grant(id, "a", 10)], &context(), rider()).await.unwrap();

    // The same request under another command id, whatever the domain would say about it now.
    for command in [grant(id, "b", 10), grant(id, "c", 0), reserve(id, 1_000)] {
        match process.commands.execute(vec![command], &context(), rider()).await {
            Err(CommandError::IdempotencyKeyUsed { stored }) => {
                assert_eq!(stored.record, record);
                assert_eq!(stored.position, Some(first.position));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read::head(&database.pool).await.unwrap(), 1);

    // A command without effect has an answer as well.
    let quiet = IdempotencyRecord { key: "k-2".to_owned(), ..record };
    let rider = Rider { claims: vec![], idempotency: Some(quiet.clone()) };
    let committed = process.commands.execute(vec![grant(id, "a", 10)], &context(), rider).await.unwrap();
    assert_eq!((committed.position, committed.events.len()), (1, 0));
    let stored = read::answer(&database.pool, &quiet.scope, "k-2").await.unwrap().unwrap();
    assert_eq!((stored.record, stored.position), (quiet, None));
    let later = process.clock.now() + time::Duration::days(1);
    assert_eq!(read::delete_answers_before(&database.pool, later, 10).await.unwrap(), 2);
    process.end().await;
}

#[tokio::test]
async fn a_unit_over_several_aggregates_is_written_whole_or_not_at_all() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let (rich, poor) = (wallet(), wallet());
    let refused = process
        .commands
        .execute(vec![grant(rich, "a", 10), reserve(poor, 1)], &context(), Rider::default())
        .await;
    match refused {
        Err(CommandError::Refused(refusal)) => assert_eq!(refusal.code(), "insufficient_credits"),
        other => panic!("{other:?}"),
    }
    assert_eq!(read::head(&database.pool).await.unwrap(), 0);

    let origin = context();
    let unit = vec![grant(rich, "a", 10), reserve(rich, 4), grant(poor, "b", 1), reserve(rich, 6)];
    let committed = process.commands.execute(unit, &origin, Rider::default()).await.unwrap();
    assert_eq!(committed.position, 4);
    assert_eq!(read::range(&database.pool, 1, 4).await.unwrap(), committed.events);
    assert_eq!(read::by_correlation(&database.pool, origin.correlation_id).await.unwrap(), committed.events);
    let rich_stream = read::stream(&database.pool, "wallet", &rich.to_string()).await.unwrap();
    assert_eq!(rich_stream.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    process.end().await;
}

#[tokio::test]
async fn a_repeat_writes_nothing_and_says_where_the_result_is() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let id = wallet();
    let first =
        process.commands.execute(vec![grant(id, "a", 1)], &context(), Rider::default()).await.unwrap();
    process.commands.execute(vec![grant(wallet(), "x", 1)], &context(), Rider::default()).await.unwrap();
    let again =
        process.commands.execute(vec![grant(id, "a", 1)], &context(), Rider::default()).await.unwrap();
    assert_eq!((first.position, again.position), (1, 1));
    assert_eq!(again.events, []);
    assert_eq!(read::head(&database.pool).await.unwrap(), 2);
    process.end().await;
}

#[tokio::test]
async fn one_command_id_is_committed_once_even_if_two_attempts_race() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let (id, origin) = (wallet(), context());
    let attempt = || process.commands.execute(vec![grant(id, "a", 1)], &origin, Rider::default());
    let (one, two) = tokio::join!(attempt(), attempt());
    assert_eq!(one.unwrap().position, two.unwrap().position);
    assert_eq!(read::head(&database.pool).await.unwrap(), 1);
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_stored_hurts_nobody_else() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let refused =
        process.commands.execute(vec![grant(wallet(), "a\0b", 1)], &context(), Rider::default()).await;
    assert!(matches!(refused, Err(CommandError::Unstorable(PrepareError::Nul { .. }))), "{refused:?}");

    // A fault that only the database sees, and that names no row.
    let unlucky = wallet();
    let mut owner = sqlx::PgConnection::connect(&database.url).await.unwrap();
    sqlx::query(&format!("ALTER TABLE events ADD CHECK (aggregate_id <> '{unlucky}')"))
        .execute(&mut owner)
        .await
        .unwrap();
    // While the lock is held elsewhere, the commands gather in one batch.
    let mut holder = owner.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(journal_lock())").execute(&mut *holder).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let commands = process.commands.clone();
        tasks.spawn(async move {
            let id = if n == 6 { unlucky } else { wallet() };
            (id, commands.execute(vec![grant(id, "a", 1)], &context(), Rider::default()).await)
        });
        if n == 0 {
            first_waits(&database.pool).await;
        }
    }
    others_wait(&process.commands, 11).await;
    holder.commit().await.unwrap();
    for (id, result) in tasks.join_all().await {
        assert_eq!(result.is_err(), id == unlucky, "{result:?}");
    }
    assert_eq!(read::head(&database.pool).await.unwrap(), 11);
    assert!(process.commands.writer().stats().splits > 0);
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_contended_stream_everybody_gets_through_with_few_lost_races() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let shared = wallet();
    grant_in_tasks(&process, shared, 8, 20).await;
    assert_eq!(read::head(&database.pool).await.unwrap(), 160);
    let stats = process.commands.writer().stats();
    assert!(stats.conflicts <= 16, "those who lose queue: {stats:?}");
    process.end().await;
}

/// A repeated command that changes nothing must not burn the number that it came with.
#[tokio::test]
async fn a_claim_without_an_event_is_not_taken() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let id = wallet();
    for key in ["1", "2"] {
        let claim = Claim { scope: "number".into(), key: key.into() };
        let rider = Rider { claims: vec![claim], ..Rider::default() };
        process.commands.execute(vec![grant(id, "once", 1)], &context(), rider).await.unwrap();
    }
    assert!(read::claim_owner(&database.pool, "number", "1").await.unwrap().is_some());
    assert!(read::claim_owner(&database.pool, "number", "2").await.unwrap().is_none());
    process.end().await;
}
