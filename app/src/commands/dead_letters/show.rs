//! Everything that is known of one dead letter.

use super::{connect, letter, reader, timestamp};
use crate::cli::DatabaseArgs;
use crate::commands::BoxError;
use crate::terminal::{bold, line};
use domain::Envelope;
use journal::dead_letters::{self, DeadLetter};
use journal::inbox::{self, Step};
use journal::{read, timers};
use sagas::runner::replays::prospect;
use sqlx::PgPool;
use uuid::Uuid;

pub(super) async fn run(id: Uuid, database: &DatabaseArgs) -> Result<(), BoxError> {
    let pool = connect(database).await?;
    let letter = letter(&pool, id).await?;
    section("dead letter");
    line(format!("  id         {}", letter.id));
    line(format!("  flow       {}, step {}", letter.flow, letter.action_index));
    line(format!("  state      {}{}", letter.state, resolution(&letter)));
    line(format!("  attempts   {}", letter.attempts));
    line(format!("  first      {}", timestamp(letter.first_at)));
    line(format!("  last       {}", timestamp(letter.last_at)));
    line(format!("  error      {}", letter.error));
    line(format!("  action     {}", letter.action));
    if let Some(position) = letter.position {
        event(&pool, &letter, position).await?;
    }
    timer(&pool, &letter).await?;
    history(&pool, &letter).await?;
    section("a replay");
    line(format!("  {}", prospect(&reader(&pool), &pool, &letter).await?));
    Ok(())
}

fn resolution(letter: &DeadLetter) -> String {
    let at = letter.resolved_at.map(timestamp).unwrap_or_default();
    letter.resolution.as_ref().map(|words| format!(": {words} ({at})")).unwrap_or_default()
}

async fn event(pool: &PgPool, letter: &DeadLetter, position: i64) -> Result<(), BoxError> {
    section("its event");
    let Some(event) = read::event(pool, position).await? else {
        line(format!("  there is no event at position {position}"));
        return Ok(());
    };
    line(format!("  {}", named(&event)));
    line(format!("  payload    {}", event.payload));
    section("intent and outcome");
    let step = Step { saga: &letter.flow, position, action_index: letter.action_index };
    match inbox::get(pool, step).await? {
        None => line("  the step was never begun"),
        Some(intent) => {
            let ended = intent
                .finished_at
                .map_or_else(|| "not ended".into(), |at| format!("ended {}", timestamp(at)));
            line(format!(
                "  begun {} times since {}, {ended}",
                intent.attempts,
                timestamp(intent.started_at)
            ));
            if intent.is_unclear() {
                line("  one of these attempts has no known end: it may have acted");
            }
            if let Some(outcome) = intent.outcome {
                line(format!("  outcome    {outcome}"));
            }
        }
    }
    line(format!("  Message-ID {}@…, should the step be a mail", message_key(letter, position)));
    for outcome in outcomes(pool, letter, &event).await? {
        line(format!("  led to     {}", named(&outcome)));
    }
    Ok(())
}

/// As the step's own key is made: what to look for in a mail server's log.
fn message_key(letter: &DeadLetter, position: i64) -> Uuid {
    let index = letter.action_index.to_string();
    domain::ids::derived(&[&letter.flow, &position.to_string(), &index, "mail"])
}

/// What the flow has recorded because of this event, by this step or its neighbours.
async fn outcomes(pool: &PgPool, letter: &DeadLetter, event: &Envelope) -> Result<Vec<Envelope>, BoxError> {
    let correlation = event.metadata.get("correlation_id").and_then(|id| Uuid::parse_str(id).ok());
    let Some(correlation) = correlation else { return Ok(vec![]) };
    let (cause, actor) = (event.position.to_string(), format!("saga:{}", letter.flow));
    let mut events = read::by_correlation(pool, correlation).await?;
    events.retain(|one| {
        one.metadata.get("causation_position") == Some(&cause) && one.metadata.get("actor") == Some(&actor)
    });
    Ok(events)
}

fn named(event: &Envelope) -> String {
    let name = format!("{}.{} v{}", event.aggregate_type, event.event_type, event.event_version);
    format!("{name} at {} of {}, {}", event.position, event.aggregate_id, timestamp(event.recorded_at))
}

async fn timer(pool: &PgPool, letter: &DeadLetter) -> Result<(), BoxError> {
    if letter.flow != timers::runner::NAME {
        return Ok(());
    }
    section("its timer");
    match timers::get(pool, letter.id).await? {
        None => line("  there is no such timer"),
        Some(timer) => line(format!(
            "  due {}, {} attempts, {}",
            timestamp(timer.due_at),
            timer.attempts,
            timer.outcome.unwrap_or_else(|| "not fired".into())
        )),
    }
    Ok(())
}

async fn history(pool: &PgPool, letter: &DeadLetter) -> Result<(), BoxError> {
    section("what was done about it");
    let acts = dead_letters::acts(pool, letter.id).await?;
    if acts.is_empty() {
        line("  nothing");
    }
    for act in acts {
        let replay = act.replay.map(|replay| format!(" {replay}")).unwrap_or_default();
        line(format!("  {} {}{replay} by {}: {}", timestamp(act.at), act.act, act.by, act.reason));
        for (name, value) in [("before", act.before), ("after", act.after)] {
            if let Some(value) = value {
                line(format!("    {name:<6} {value}"));
            }
        }
    }
    for replay in
        dead_letters::replays_of(pool, letter.id).await?.iter().filter(|it| it.finished_at.is_none())
    {
        line(format!("  replay {} waits, begun {} times", replay.replay, replay.starts));
    }
    Ok(())
}

fn section(name: &str) {
    line(bold(name));
}
