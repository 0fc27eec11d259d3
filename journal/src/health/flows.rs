//! What each flow has still to handle, and what it has begun without an end.

use crate::progress::Interest;
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

/// More are not counted; whoever is this far behind needs no exact figure.
const WAITING_EVENTS_MAX: i64 = 1_000;

/// A flow against the events that concern it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Flow {
    pub flow: String,
    /// Everything up to here that concerns it is handled.
    pub position: i64,
    /// Events of its interest that are not handled, at most [`WAITING_EVENTS_MAX`].
    pub waiting: i64,
    /// Age of the first of them, in milliseconds; 0 when there is none.
    pub waiting_ms: i64,
    /// What it is, for example `payment.requested`.
    pub event: Option<String>,
}

/// A flow as it stands at the head. Its mark moves with the self-check alone, so handled events are looked up.
pub async fn flow(
    executor: impl PgExecutor<'_>,
    name: &str,
    interests: &[Interest],
) -> Result<Flow, sqlx::Error> {
    let (types, events): (Vec<&str>, Vec<&str>) =
        interests.iter().map(|one| (one.aggregate_type, one.event_type)).unzip();
    sqlx::query_as(
        "WITH waiting AS ( \
           SELECT e.position, e.recorded_at, e.aggregate_type || '.' || e.event_type AS event FROM events e \
           WHERE e.position > coalesce((SELECT handled_up_to FROM saga_progress WHERE saga = $1), 0) \
           AND (e.aggregate_type, e.event_type) IN (SELECT * FROM unnest($2, $3)) \
           AND NOT EXISTS (SELECT FROM saga_handled h WHERE h.saga = $1 AND h.position = e.position) \
           ORDER BY e.position LIMIT $4 \
         ), first AS (SELECT position, recorded_at, event FROM waiting ORDER BY position LIMIT 1) \
         SELECT $1 AS flow, \
           coalesce((SELECT position - 1 FROM first), (SELECT max(position) FROM events), 0) AS position, \
           (SELECT count(*) FROM waiting) AS waiting, \
           coalesce((SELECT greatest(0, extract(epoch FROM now() - recorded_at) * 1000) FROM first), 0)::bigint \
             AS waiting_ms, \
           (SELECT event FROM first) AS event",
    )
    .bind(name)
    .bind(types)
    .bind(events)
    .bind(WAITING_EVENTS_MAX)
    .fetch_one(executor)
    .await
}

/// The oldest step of a flow that was begun and has no end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Intent {
    pub flow: String,
    /// The event that caused it.
    pub position: i64,
    pub event: String,
    pub action_index: i32,
    /// Times it was begun.
    pub attempts: i32,
    /// Since it was begun first, in milliseconds.
    pub age_ms: i64,
    /// Steps of the flow in this state, this one included.
    pub unfinished: i64,
}

/// The oldest unfinished step of each named flow that has one.
///
/// An event counts as handled only behind its last step, so they all lie above the flow's mark and need no index
/// of their own, which each step would have to pay for.
pub async fn intents(executor: impl PgExecutor<'_>, flows: &[&str]) -> Result<Vec<Intent>, sqlx::Error> {
    sqlx::query_as(
        "SELECT n.flow, i.position, e.aggregate_type || '.' || e.event_type AS event, i.action_index, \
           i.attempts, (greatest(0, extract(epoch FROM now() - i.started_at)) * 1000)::bigint AS age_ms, \
           i.unfinished \
         FROM unnest($1) WITH ORDINALITY AS n(flow, place) CROSS JOIN LATERAL ( \
           SELECT position, action_index, attempts, started_at, count(*) OVER () AS unfinished FROM inbox \
           WHERE saga = n.flow AND finished_at IS NULL \
           AND position > coalesce((SELECT handled_up_to FROM saga_progress p WHERE p.saga = n.flow), 0) \
           ORDER BY started_at, position, action_index LIMIT 1 \
         ) i JOIN events e ON e.position = i.position ORDER BY n.place",
    )
    .bind(flows)
    .fetch_all(executor)
    .await
}
