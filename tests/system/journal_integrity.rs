//! What is in the journal cannot be altered, and would be found if it were.

use super::journal_support::{Process, context, grant, wallet};
use crate::harness;
use domain::Envelope;
use journal::leaf::{self, Fault};
use journal::{Rider, read};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::BTreeMap;
use time::macros::datetime;

async fn filled(pool: &PgPool, events: i64) {
    let process = Process::start(pool);
    for n in 0..events {
        let unit = vec![grant(wallet(), &n.to_string(), 1)];
        process.commands.execute(unit, &context(), Rider::default()).await.unwrap();
    }
    process.end().await;
}

#[tokio::test]
async fn neither_the_owner_nor_the_service_can_change_an_event() {
    let database = harness::database().await;
    filled(&database.pool, 2).await;
    let attempts = [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events WHERE position = 2",
        "TRUNCATE events",
        "UPDATE claims SET owner_id = 'x' WHERE true",
        "TRUNCATE claims",
    ];
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query("INSERT INTO claims VALUES ('s', 'k', 'wallet', 'w', 'c', now())")
        .execute(&mut owner)
        .await
        .unwrap();
    for attempt in attempts {
        let error = sqlx::query(attempt).execute(&mut owner).await.unwrap_err();
        let database_error = error.as_database_error().unwrap();
        assert_eq!(database_error.code().unwrap(), "23001", "{attempt}: {error}");
        assert!(database_error.message().contains("insert-only"), "{attempt}: {error}");

        let error = sqlx::query(attempt).execute(&database.pool).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{attempt}: {error}");
    }
    // Also in a session that replays.
    sqlx::query("SET session_replication_role = replica").execute(&mut owner).await.unwrap();
    sqlx::query("DELETE FROM events").execute(&mut owner).await.unwrap_err();
    assert_eq!(read::head(&database.pool).await.unwrap(), 2);
}

#[tokio::test]
async fn an_altered_or_missing_event_is_found() {
    let database = harness::database().await;
    filled(&database.pool, 30).await;
    let verified = leaf::verify(&database.pool, 0, |_| {}).await.unwrap();
    assert_eq!((verified.events, verified.up_to, verified.bad), (30, 30, None));

    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    for statement in [
        "ALTER TABLE events DISABLE TRIGGER events_insert_only",
        "UPDATE events SET payload = jsonb_set(payload, '{credits}', '1000000') WHERE position = 17",
    ] {
        sqlx::query(statement).execute(&mut owner).await.unwrap();
    }
    let verified = leaf::verify(&database.pool, 0, |_| {}).await.unwrap();
    let bad = verified.bad.unwrap();
    assert_eq!((verified.events, bad.position), (16, 17));
    assert!(matches!(bad.fault, Fault::Altered { .. }));
    assert_eq!(leaf::verify(&database.pool, 17, |_| {}).await.unwrap().bad, None);

    sqlx::query("DELETE FROM events WHERE position = 9").execute(&mut owner).await.unwrap();
    let bad = leaf::verify(&database.pool, 0, |_| {}).await.unwrap().bad.unwrap();
    assert_eq!((bad.position, bad.fault), (9, Fault::Missing));
    let gap = read::page(&database.pool, 0, 100, usize::MAX).await.unwrap_err();
    assert!(matches!(gap, read::ReadError::Gap { expected: 9, found: 10 }), "{gap}");
}

fn awkward_payloads() -> Vec<Value> {
    vec![
        json!({}),
        json!({"bb": 1, "a": 2, "ccc": 3, "A": {"z": [], "": {}}}),
        json!({"ğüşıöç": "İSTANBUL ıiIİ", "😀": "👩‍👩‍👧‍👦 \u{10ffff}", "\u{fb33}": "after 😀 in UTF-16, before in bytes"}),
        json!({"escapes": "\" \\ / \u{8} \u{c} \n \r \t \u{1} \u{7f} \u{2028} é e\u{301}"}),
        json!([null, true, false, [[[[]]]], {"deep": {"deeper": [{"deepest": null}]}}]),
        json!({"zero": 0, "minus": -1, "max": 9_007_199_254_740_992_i64, "min": -9_007_199_254_740_992_i64}),
        json!({"tenth": 0.1, "third": 0.333_333_333_333_333_3, "whole": 1.0, "minus zero": -0.0, "half": -2.5}),
        json!({"tiny": 5e-324, "small": 1e-7, "odd": 2.225_073_858_507_201_4e-308, "long": 123_456.789_012_345_67}),
    ]
}

#[tokio::test]
async fn the_hash_taken_before_equals_the_one_of_what_is_stored() {
    let database = harness::database().await;
    for (index, payload) in awkward_payloads().into_iter().enumerate() {
        let position = i64::try_from(index).unwrap() + 1;
        let event = Envelope {
            position,
            aggregate_type: "order".to_owned(),
            aggregate_id: "ö-😀".to_owned(),
            sequence: position,
            event_type: "placed".to_owned(),
            event_version: "1".to_owned(),
            payload,
            metadata: BTreeMap::from([("actor".to_owned(), "account:ş".to_owned())]),
            recorded_at: datetime!(2026-11-24 09:00:00.000001 UTC),
        };
        sqlx::query("SELECT journal_append($1, $2, $3, $4, $5, $6, $7, $8, $9)")
            .bind([event.aggregate_type.as_str()])
            .bind([event.aggregate_id.as_str()])
            .bind([event.sequence])
            .bind([event.event_type.as_str()])
            .bind([event.event_version.as_str()])
            .bind([event.payload.to_string()])
            .bind([serde_json::to_string(&event.metadata).unwrap()])
            .bind([event.recorded_at])
            .bind([leaf::leaf_hash(&event).unwrap().to_vec()])
            .execute(&database.pool)
            .await
            .unwrap();
        let stored = read::stored_page(&database.pool, position - 1, 1, usize::MAX).await.unwrap().remove(0);
        assert_eq!(
            String::from_utf8(leaf::canonical(&stored.envelope).unwrap()).unwrap(),
            String::from_utf8(leaf::canonical(&event).unwrap()).unwrap()
        );
        assert_eq!(leaf::leaf_hash(&stored.envelope).unwrap(), stored.leaf_hash);
    }
}

#[tokio::test]
async fn the_past_can_be_asked_for() {
    let database = harness::database().await;
    let process = Process::start(&database.pool);
    let start = process.clock.now();
    let (one, two) = (wallet(), wallet());
    for (n, id) in [one, two, one, two, one].into_iter().enumerate() {
        process
            .commands
            .execute(vec![grant(id, &n.to_string(), 1)], &context(), Rider::default())
            .await
            .unwrap();
        process.clock.advance(time::Duration::minutes(1));
    }
    for (minutes, position) in [(-1, 0), (0, 1), (1, 2), (3, 4), (4, 5), (60, 5)] {
        let time = start + time::Duration::minutes(minutes);
        assert_eq!(read::position_at(&database.pool, time).await.unwrap(), position, "{minutes} minutes");
    }
    let streams = [("wallet".to_owned(), one.to_string())];
    let positions = |events: Vec<Envelope>| events.iter().map(|event| event.position).collect::<Vec<_>>();
    let history = async |streams: &[(String, String)], up_to| {
        let stored = read::history(&database.pool, streams, up_to).await.unwrap();
        positions(stored.into_iter().map(|event| event.envelope).collect())
    };
    assert_eq!(history(&streams, Some(3)).await, [1, 3]);
    let both = [streams[0].clone(), ("wallet".to_owned(), two.to_string())];
    assert_eq!(history(&both, None).await, [1, 2, 3, 4, 5]);
    assert_eq!(positions(read::page(&database.pool, 2, 2, usize::MAX).await.unwrap()), [3, 4]);
    assert_eq!(positions(read::page(&database.pool, 2, 10, 1).await.unwrap()), [3], "at least one event");
    process.end().await;
}
