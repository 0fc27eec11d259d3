//! The journal's lock in the hand of somebody slow.

use crate::child::{Line, say};
use domain::Envelope;
pub use harness::door::{superuser, waiting};
use journal::leaf;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeMap;
use time::macros::datetime;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A child's part: one event appended in a transaction that stays open until the parent says a word.
pub async fn hold(url: &str, idle_timeout_ms: u64, words: &mut mpsc::UnboundedReceiver<String>) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query(&format!("SET idle_in_transaction_session_timeout = {idle_timeout_ms}"))
        .execute(&mut connection)
        .await
        .unwrap();
    let command = Uuid::new_v4();
    let mut transaction = connection.begin().await.unwrap();
    let base = append(&mut transaction, &granted(command, Uuid::new_v4(), 1)).await.unwrap();
    say(&Line::Held { position: base + 1, command });
    words.recv().await;
    let released = transaction.commit().await;
    say(&Line::Released { error: released.err().map(|error| error.to_string()) });
    say(&Line::Done { lost: 0, already: 0, conflicts: 0, batches: 1 });
}

/// An event as a wallet would have written it.
pub fn granted(command: Uuid, wallet: Uuid, sequence: i64) -> Envelope {
    Envelope {
        position: 0,
        aggregate_type: "wallet".to_owned(),
        aggregate_id: wallet.to_string(),
        sequence,
        event_type: "granted".to_owned(),
        event_version: "1".to_owned(),
        payload: json!({"type": "granted", "reference": command.to_string(), "credits": 1, "kind": "gift"}),
        metadata: BTreeMap::from([
            ("command_id".to_owned(), command.to_string()),
            ("correlation_id".to_owned(), command.to_string()),
            ("actor".to_owned(), "account:test".to_owned()),
        ]),
        recorded_at: datetime!(2026-11-24 09:00:00 UTC),
    }
}

/// The database function as the writer calls it, for one event; answers the position before it.
pub async fn append(connection: &mut PgConnection, event: &Envelope) -> Result<i64, sqlx::Error> {
    append_text(connection, event, &event.payload.to_string()).await
}

/// The same with a payload that our types could not hold.
pub async fn append_text(
    connection: &mut PgConnection,
    event: &Envelope,
    payload: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT journal_append($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind([event.aggregate_type.as_str()])
        .bind([event.aggregate_id.as_str()])
        .bind([event.sequence])
        .bind([event.event_type.as_str()])
        .bind([event.event_version.as_str()])
        .bind([payload])
        .bind([serde_json::to_string(&event.metadata).unwrap()])
        .bind([event.recorded_at])
        .bind([leaf::leaf_hash(event).unwrap().to_vec()])
        .fetch_one(connection)
        .await
}

/// Switches the insert-only triggers off: what only the owner of the tables can do.
pub async fn disarm(owner: &mut PgConnection) {
    sqlx::raw_sql("ALTER TABLE events DISABLE TRIGGER USER").execute(owner).await.unwrap();
}

/// Holds the journal's lock until the transaction ends.
pub async fn lock(connection: &mut PgConnection) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(journal_lock())").execute(&mut *transaction).await.unwrap();
    transaction
}
