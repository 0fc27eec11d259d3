//! What is in the journal cannot be changed by those who may write to it, and is found when somebody else does.
//!
//! Leaf hashes prove each row by itself, and the positions that none is missing in between. They cannot prove what a
//! superuser takes away at the end, writes anew together with its hash, or puts in another order: that takes a
//! checkpoint, signed and kept elsewhere. The cases below say so by what `polikrami journal verify` answers.

use crate::held;
use harness::door::{Process, context, grant, wallet};
use harness::process::binary;
use journal::{Rider, leaf, read};
use serde_json::json;
use sqlx::{Connection, PgConnection, PgPool};
use std::process::Command;

const EVENTS: i64 = 30;

async fn filled(pool: &PgPool) {
    let process = Process::start(pool);
    for n in 0..EVENTS {
        let unit = vec![grant(wallet(), &n.to_string(), 1)];
        process.commands.execute(unit, &context(), Rider::default()).await.unwrap();
    }
    process.end().await;
}

/// What the real command says: its exit code, and all its words.
async fn verified(url: &str) -> (i32, String) {
    let url = url.to_owned();
    let run = move || {
        let command = ["journal", "verify", "--database-url"];
        Command::new(binary()).args(command).arg(url).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let words = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(words).unwrap())
}

#[tokio::test]
async fn nobody_changes_the_journal_through_the_front() {
    let database = harness::database().await;
    filled(&database.pool).await;
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    let claim = "INSERT INTO claims VALUES ('s', 'k', 'wallet', 'w', 'c', now())";
    sqlx::query(claim).execute(&mut owner).await.unwrap();
    let attempts = [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events WHERE position = 2",
        "TRUNCATE events",
        "MERGE INTO events e USING (SELECT 3::bigint AS p) s ON e.position = s.p WHEN MATCHED THEN DELETE",
        "UPDATE claims SET owner_id = 'x' WHERE true",
        "DELETE FROM claims",
        "TRUNCATE claims",
        "INSERT INTO claims VALUES ('s', 'k', 'wallet', 'x', 'c', now()) \
         ON CONFLICT (scope, key) DO UPDATE SET owner_id = 'x'",
    ];
    for attempt in attempts {
        let error = sqlx::query(attempt).execute(&mut owner).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "23001", "{attempt}: {error}");
        let error = sqlx::query(attempt).execute(&database.pool).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{attempt}: {error}");
    }
    let ways_around = [
        "ALTER TABLE events DISABLE TRIGGER USER",
        "DROP TRIGGER events_insert_only ON events",
        "DROP TABLE events",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS ''",
    ];
    for attempt in ways_around {
        let error = sqlx::raw_sql(attempt).execute(&database.pool).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "{attempt}: {error}");
    }
    // Not even in a session that replays.
    sqlx::query("SET session_replication_role = replica").execute(&mut owner).await.unwrap();
    sqlx::query("DELETE FROM events").execute(&mut owner).await.unwrap_err();
    let (code, words) = verified(&database.url).await;
    assert_eq!(code, 0, "{words}");
    assert!(words.contains(&format!("{EVENTS} events")), "{words}");
    println!("through the front: {} attempts, {EVENTS} events untouched", 2 * attempts.len() + 5);
}

/// What is done with the triggers off, and the position at which it is found; none where it cannot be.
const ALTERATIONS: [(&str, &str, Option<i64>); 12] = [
    (
        "payload",
        "UPDATE events SET payload = jsonb_set(payload, '{credits}', '9') WHERE position = 17",
        Some(17),
    ),
    (
        "metadata",
        "UPDATE events SET metadata = metadata || '{\"actor\": \"nobody\"}' WHERE position = 3",
        Some(3),
    ),
    ("time", "UPDATE events SET recorded_at = recorded_at + interval '1 us' WHERE position = 30", Some(30)),
    ("type", "UPDATE events SET event_type = 'reserved' WHERE position = 1", Some(1)),
    ("stream", "UPDATE events SET aggregate_id = 'other' WHERE position = 12", Some(12)),
    ("hash", "UPDATE events SET leaf_hash = sha256('x') WHERE position = 29", Some(29)),
    ("two rows", "UPDATE events SET event_version = '2' WHERE position IN (21, 8)", Some(8)),
    ("deleted", "DELETE FROM events WHERE position = 9", Some(9)),
    ("first deleted", "DELETE FROM events WHERE position = 1", Some(1)),
    (
        "inserted",
        "INSERT INTO events SELECT aggregate_type, 'new', 1, event_type, event_version, payload, metadata, 31, \
         recorded_at, leaf_hash FROM events WHERE position = 30",
        Some(31),
    ),
    // Without a signed checkpoint: a shorter journal is a journal, and so is one in another order.
    ("tail cut off", "DELETE FROM events WHERE position > 27", None),
    (
        "swapped",
        "UPDATE events SET position = 1000 WHERE position = 5; UPDATE events SET position = 5 WHERE position = 6; \
         UPDATE events SET position = 6 WHERE position = 1000",
        None,
    ),
];

#[tokio::test]
async fn verify_finds_the_first_altered_row_and_nothing_that_it_cannot_know() {
    let database = harness::database().await;
    filled(&database.pool).await;
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    held::disarm(&mut owner).await;
    sqlx::query("CREATE TABLE kept AS SELECT * FROM events").execute(&mut owner).await.unwrap();
    for (name, statement, bad) in ALTERATIONS {
        sqlx::raw_sql(statement).execute(&mut owner).await.unwrap();
        assert_answer(&database.url, name, bad).await;
        let restore = "DELETE FROM events; INSERT INTO events SELECT * FROM kept";
        sqlx::raw_sql(restore).execute(&mut owner).await.unwrap();
    }
    assert_answer(&database.url, "restored", None).await;

    // A row written anew together with its hash: consistent in itself.
    let mut forged = read::event(&database.pool, 14).await.unwrap().unwrap();
    forged.payload["credits"] = json!(1_000_000);
    let forge = "UPDATE events SET payload = $1, leaf_hash = $2 WHERE position = 14";
    let hash = leaf::leaf_hash(&forged).unwrap().to_vec();
    sqlx::query(forge).bind(&forged.payload).bind(hash).execute(&mut owner).await.unwrap();
    assert_answer(&database.url, "forged with its hash", None).await;
    println!("altered rows: {} alterations found, 3 that need a signed checkpoint", ALTERATIONS.len() - 2);
}

async fn assert_answer(url: &str, name: &str, bad: Option<i64>) {
    let (code, words) = verified(url).await;
    assert_eq!(code != 0, bad.is_some(), "{name}: {words}");
    if let Some(bad) = bad {
        let named = [format!("position: {bad},"), format!("position {bad}")];
        assert!(named.iter().any(|named| words.contains(named)), "{name} at {bad}: {words}");
    }
}
