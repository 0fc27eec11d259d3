//! What operators look at; never reachable from outside.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use journal::relay::StatusReader;
use journal::{Commands, checkpoint, dead_letters, read};
use serde_json::{Value, json};
use sqlx::PgPool;

#[derive(Clone)]
struct Desk {
    pool: PgPool,
    commands: Commands,
    relay: Option<StatusReader>,
}

pub(super) fn router(pool: PgPool, commands: Commands, relay: Option<StatusReader>) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "ok" })) }))
        .route("/status", get(status))
        .with_state(Desk { pool, commands, relay })
}

/// 503 with the cause when the database does not answer: silence must not look like health.
async fn status(State(desk): State<Desk>) -> (StatusCode, Json<Value>) {
    match desk.look().await {
        Ok(seen) => (StatusCode::OK, Json(seen)),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": error.to_string() }))),
    }
}

impl Desk {
    async fn look(&self) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let head = read::head(&self.pool).await?;
        let readers = checkpoint::all(&self.pool).await?.into_iter().map(|one| {
            json!({ "reader": one.reader, "position": one.position, "behind_seconds": one.behind_seconds })
        });
        let letters = dead_letters::open_by_flow(&self.pool).await?;
        let letters = letters.into_iter().map(|one| json!({ "flow": one.flow, "open": one.open }));
        let relay = self.relay.as_ref().map(StatusReader::get).map(|relay| {
            json!({
                "activity": format!("{:?}", relay.activity),
                "position": relay.position,
                "published": relay.published,
                "failures": relay.failures,
                "last_error": relay.last_error,
            })
        });
        let writer = self.commands.writer().stats();
        Ok(json!({
            "head": head,
            "readers": readers.collect::<Vec<_>>(),
            "dead_letters": letters.collect::<Vec<_>>(),
            "relay": relay,
            "writer": {
                "queue_depth": writer.queue_depth,
                "batches": writer.batches,
                "largest_batch": writer.largest_batch,
                "commands": writer.commands,
                "events": writer.events,
                "conflicts": writer.conflicts,
            },
        }))
    }
}
