//! What operators look at; never reachable from outside.

mod metrics;

use super::http_metrics::HttpMetrics;
use crate::snapshot::{self, Journal, Process};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use journal::relay::StatusReader;
use journal::{Commands, ConnectOptions};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;

/// Of one look at the database; an answer comes within two seconds, whatever the database does.
const LOOK_MAX: Duration = Duration::from_millis(1_500);
/// Two may ask at once: a scrape, and a person.
const CONNECTIONS_MAX: u32 = 2;

#[derive(Clone)]
struct Desk {
    pool: PgPool,
    commands: Commands,
    relay: Option<StatusReader>,
    http: HttpMetrics,
}

/// Connections of its own: a busy service must still be seen to work.
pub(super) async fn connect(database_url: &str) -> Result<PgPool, sqlx::Error> {
    let options = ConnectOptions {
        connections_max: CONNECTIONS_MAX,
        statement_timeout: LOOK_MAX,
        application_name: "polikrami operators".into(),
        ..ConnectOptions::default()
    };
    journal::connect(database_url, &options).await
}

pub(super) fn router(
    pool: PgPool,
    commands: Commands,
    relay: Option<StatusReader>,
    http: HttpMetrics,
) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .with_state(Desk { pool, commands, relay, http })
}

/// 503 with the cause when the database does not answer: silence must not look like health. What the process
/// knows by itself is there all the same.
async fn status(State(desk): State<Desk>) -> (StatusCode, Json<Value>) {
    let process = desk.process();
    let (code, mut body) = match desk.look().await {
        Ok(journal) => (StatusCode::OK, body(&journal)),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error })),
    };
    body["relay"] = json!(process.relay);
    body["writer"] = json!(process.writer);
    (code, Json(body))
}

fn body(journal: &Journal) -> Value {
    let mut body = json!(journal);
    for reader in body["readers"].as_array_mut().into_iter().flatten() {
        let behind_ms = reader["behind_ms"].as_i64().unwrap_or_default();
        // Absent at the head: then there is no event whose age it could be.
        reader["behind_seconds"] = json!((reader["behind_events"] != 0).then_some(behind_ms / 1_000));
    }
    body
}

async fn metrics(State(desk): State<Desk>) -> impl IntoResponse {
    let process = desk.process();
    let journal = desk.look().await.ok();
    match metrics::render(journal, process, &desk.http) {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text),
        Err(error) => {
            let plain = [(header::CONTENT_TYPE, "text/plain")];
            (StatusCode::INTERNAL_SERVER_ERROR, plain, error.to_string())
        }
    }
}

impl Desk {
    fn process(&self) -> Process {
        Process::of(self.commands.writer(), self.relay.as_ref())
    }

    async fn look(&self) -> Result<Journal, String> {
        snapshot::look_within(&self.pool, LOOK_MAX).await
    }
}
