//! Which events each flow has handled, kept beside the journal: a lost message queue loses nothing.
//!
//! The runner of a flow
//! 1. skips a message if [`is_handled`];
//! 2. after its last step, calls [`mark_handled`] (in the transaction of the last inbox row), then acknowledges;
//! 3. on a timer, calls [`missing`] and handles what it answers as if it had been delivered, then [`advance`].
//!    `up_to` is the head as it was one tick ago, so that events in flight are left alone; at start, and whenever
//!    messages may have been missed, it is the head itself.
//!
//! An event that went to the dead letters counts as handled: an operator has it.

use crate::read::{self, ReadError};
use domain::Envelope;
use sqlx::{PgConnection, PgExecutor, PgPool};

/// A kind of event that a flow reacts to. Changing a flow's interests does not bring back older events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest {
    pub aggregate_type: &'static str,
    pub event_type: &'static str,
}

/// Up to where a flow has handled everything that concerns it; 0 if it never ran.
pub async fn handled_up_to(executor: impl PgExecutor<'_>, saga: &str) -> Result<i64, sqlx::Error> {
    let position = sqlx::query_scalar("SELECT handled_up_to FROM saga_progress WHERE saga = $1")
        .bind(saga)
        .fetch_optional(executor)
        .await?;
    Ok(position.unwrap_or(0))
}

/// Lets a flow that is new in an old shop begin behind `position`; without effect once it has run.
pub async fn start_behind(
    executor: impl PgExecutor<'_>,
    saga: &str,
    position: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO saga_progress (saga, handled_up_to) VALUES ($1, $2) ON CONFLICT (saga) DO NOTHING",
    )
    .bind(saga)
    .bind(position)
    .execute(executor)
    .await?;
    Ok(())
}

/// Whether the flow has handled the event.
pub async fn is_handled(
    executor: impl PgExecutor<'_>,
    saga: &str,
    position: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM saga_progress WHERE saga = $1 AND handled_up_to >= $2) \
         OR EXISTS (SELECT FROM saga_handled WHERE saga = $1 AND position = $2)",
    )
    .bind(saga)
    .bind(position)
    .fetch_one(executor)
    .await
}

/// Records that every step of the event is done. Durable; repeats are without effect.
pub async fn mark_handled(
    executor: impl PgExecutor<'_>,
    saga: &str,
    position: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO saga_handled (saga, position) \
         SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM saga_progress WHERE saga = $1 AND handled_up_to >= $2) \
         ON CONFLICT DO NOTHING",
    )
    .bind(saga)
    .bind(position)
    .execute(executor)
    .await?;
    Ok(())
}

/// Positions up to `up_to` that concern the flow and were never handled, oldest first, at most `limit`.
pub async fn missing_positions(
    executor: impl PgExecutor<'_>,
    saga: &str,
    interests: &[Interest],
    up_to: i64,
    limit: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    missing_but(executor, saga, interests, up_to, &[], limit).await
}

async fn missing_but(
    executor: impl PgExecutor<'_>,
    saga: &str,
    interests: &[Interest],
    up_to: i64,
    held: &[i64],
    limit: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    let (types, events) = columns_of(interests);
    sqlx::query_scalar(
        "SELECT e.position FROM events e \
         WHERE e.position > coalesce((SELECT handled_up_to FROM saga_progress WHERE saga = $1), 0) \
         AND e.position <= $4 AND e.position <> ALL ($5) \
         AND (e.aggregate_type, e.event_type) IN (SELECT * FROM unnest($2, $3)) \
         AND NOT EXISTS (SELECT FROM saga_handled h WHERE h.saga = $1 AND h.position = e.position) \
         ORDER BY e.position LIMIT $6",
    )
    .bind(saga)
    .bind(types)
    .bind(events)
    .bind(up_to)
    .bind(held)
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// The events themselves, for a runner that handles them as if they had been delivered; but those that it holds.
pub async fn missing(
    pool: &PgPool,
    saga: &str,
    interests: &[Interest],
    up_to: i64,
    held: &[i64],
    limit: i64,
) -> Result<Vec<Envelope>, ReadError> {
    let positions = missing_but(pool, saga, interests, up_to, held, limit).await?;
    read::events(pool, &positions).await
}

/// Moves the mark as far as everything is handled, at most to `up_to`, and sweeps the rows below it.
///
/// Answers the new mark. Call it in a transaction of its own; one runner per flow at a time.
pub async fn advance(
    connection: &mut PgConnection,
    saga: &str,
    interests: &[Interest],
    up_to: i64,
) -> Result<i64, sqlx::Error> {
    let first_missing = missing_positions(&mut *connection, saga, interests, up_to, 1).await?;
    let mark = first_missing.first().map_or(up_to, |position| position - 1);
    // One statement: a crash cannot keep the sweep and lose the mark.
    sqlx::query_scalar(
        "WITH moved AS ( \
           INSERT INTO saga_progress (saga, handled_up_to) VALUES ($1, $2) \
           ON CONFLICT (saga) DO UPDATE SET updated_at = now(), \
             handled_up_to = greatest(saga_progress.handled_up_to, excluded.handled_up_to) \
           RETURNING handled_up_to \
         ), swept AS ( \
           DELETE FROM saga_handled USING moved WHERE saga = $1 AND position <= moved.handled_up_to \
         ) SELECT handled_up_to FROM moved",
    )
    .bind(saga)
    .bind(mark)
    .fetch_one(connection)
    .await
}

fn columns_of(interests: &[Interest]) -> (Vec<&'static str>, Vec<&'static str>) {
    interests.iter().map(|interest| (interest.aggregate_type, interest.event_type)).unzip()
}
