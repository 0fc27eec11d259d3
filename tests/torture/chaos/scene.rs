//! What stands still, and where: printed when the shop has had no news for a while.

use super::shopper::Town;
use async_nats::jetstream;
use futures::TryStreamExt;
use harness::World;
use journal::relay::STREAM;
use sagas::flows;
use std::fmt::Write;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

/// One row of text each.
const TABLES: [(&str, &str); 5] = [
    (
        "last events",
        "SELECT format('%s %s %s %s, %s s ago', position, aggregate_type, aggregate_id, event_type, \
           extract(epoch FROM now() - recorded_at)::int) FROM events ORDER BY position DESC LIMIT 12",
    ),
    (
        "steps begun and not ended",
        "SELECT format('%s %s/%s, attempt %s, %s s ago', saga, position, action_index, attempts, \
           extract(epoch FROM now() - started_at)::int) FROM inbox WHERE finished_at IS NULL LIMIT 20",
    ),
    (
        "timers",
        "SELECT format('%s in %s s, attempt %s: %s', command ->> 'id', \
           extract(epoch FROM next_attempt_at - now())::int, attempts, coalesce(last_error, 'no error')) \
         FROM timers WHERE fired_at IS NULL ORDER BY next_attempt_at LIMIT 8",
    ),
    (
        "readers",
        "SELECT format('%s at %s', reader, position) FROM checkpoints \
         UNION ALL SELECT format('%s handled up to %s, looked %s s ago', saga, handled_up_to, \
           extract(epoch FROM now() - updated_at)::int) FROM saga_progress ORDER BY 1",
    ),
    ("dead letters", "SELECT format('%s %s: %s', flow, position, error) FROM dead_letters LIMIT 8"),
];

/// Prints it all; what does not answer is said to be so.
pub async fn print(world: &World, town: &Town) {
    let mut text = String::from("chaos: the scene\n");
    for (number, wish) in town.waits.lock().unwrap().iter() {
        writeln!(text, "  shopper {number} waits for {wish}").unwrap();
    }
    match tokio::time::timeout(LIMIT, tables(world, &mut text)).await {
        Ok(Ok(())) => {}
        problem => writeln!(text, "  the database does not answer: {problem:?}").unwrap(),
    }
    match tokio::time::timeout(LIMIT, consumers(world, &mut text)).await {
        Ok(Ok(())) => {}
        problem => writeln!(text, "  NATS does not answer: {problem:?}").unwrap(),
    }
    print!("{text}");
}

async fn tables(world: &World, text: &mut String) -> Result<(), sqlx::Error> {
    for (what, statement) in TABLES {
        let rows: Vec<String> = sqlx::query_scalar(statement).fetch_all(&world.pool).await?;
        writeln!(text, "  {what}").unwrap();
        for row in rows {
            writeln!(text, "    {row}").unwrap();
        }
    }
    let head = journal::read::head(&world.pool).await.unwrap_or_default();
    for flow in flows::ALL {
        let missing =
            journal::progress::missing_positions(&world.pool, flow.name, flow.interests, head, 10).await?;
        writeln!(text, "  {} has not handled {missing:?}", flow.name).unwrap();
    }
    Ok(())
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn consumers(world: &World, text: &mut String) -> Result<(), BoxError> {
    let context = jetstream::new(async_nats::connect(world.nats.url()).await?);
    let mut stream = context.get_stream(STREAM).await?;
    let state = &stream.info().await?.state;
    writeln!(
        text,
        "  stream: {} messages, {} to {}",
        state.messages, state.first_sequence, state.last_sequence
    )?;
    let mut consumers = stream.consumers();
    while let Some(info) = consumers.try_next().await? {
        writeln!(
            text,
            "  consumer {}: at {}, {} pending, {} unacknowledged, {} pulls, {} redelivered",
            info.config.description.unwrap_or(info.name),
            info.delivered.stream_sequence,
            info.num_pending,
            info.num_ack_pending,
            info.num_waiting,
            info.num_redelivered
        )?;
    }
    Ok(())
}
