//! What flows and timers have not done.

use super::{FLOW_BEHIND_MS, Finding, INTENT_MS, TIMER_LATE_MS, age, count, grouped, held};
use crate::snapshot::{FLOWS, Journal};
use journal::timers::runner::NAME as TIMERS;

/// An event that a flow has not even begun; one that it has begun is told by its step.
pub fn flows(journal: &Journal) -> Vec<Finding> {
    let begun = |flow: &str, event: i64| {
        journal.intents.iter().any(|one| one.intent.flow == flow && one.intent.position <= event)
    };
    let late = journal.flows.iter().filter(|one| one.waiting > 0 && one.waiting_ms >= FLOW_BEHIND_MS);
    late.filter(|one| !begun(&one.flow, one.position + 1))
        .map(|one| {
            let (cause, next) = if held(journal, FLOWS) {
                (
                    "the process of the flows does not hear it",
                    format!("its log, lines with saga.name {}", one.flow),
                )
            } else {
                ("no process runs the flows", "polikrami serve --only sagas".into())
            };
            let event = one.event.as_deref().unwrap_or("an event");
            let text = format!(
                "{} has not begun {event} (event {}) for {}, {} waiting: {cause}",
                one.flow,
                grouped(one.position + 1),
                age(one.waiting_ms),
                count(one.waiting, "event")
            );
            Finding::problem(text, next)
        })
        .collect()
}

pub fn intents(journal: &Journal) -> Vec<Finding> {
    let old = journal.intents.iter().filter(|one| one.intent.age_ms >= INTENT_MS);
    old.map(|one| {
        let intent = &one.intent;
        let others = match intent.unfinished - 1 {
            0 => String::new(),
            more => format!("; {} more in this flow", grouped(more)),
        };
        let text = format!(
            "{} has been waiting {} for an end, after {} ({}, event {}){others}",
            one.step,
            age(intent.age_ms),
            count(intent.attempts.into(), "attempt"),
            intent.flow,
            grouped(intent.position)
        );
        let next = if held(journal, FLOWS) {
            format!(
                "nothing if the provider is down: it is retried; the log says why, saga.name {}",
                intent.flow
            )
        } else {
            "no process runs the flows: polikrami serve --only sagas".into()
        };
        Finding::problem(text, next)
    })
    .collect()
}

pub fn letters(journal: &Journal) -> Vec<Finding> {
    let letters = journal.dead_letters.iter();
    letters
        .map(|one| {
            let which = if one.open == 1 { "" } else { "the newest: " };
            Finding::problem(
                format!(
                    "{} in {}, {} {} old: {which}{}",
                    count(one.open, "dead letter"),
                    one.flow,
                    if one.open == 1 { "it is" } else { "the oldest is" },
                    age(one.oldest_ms),
                    one.error
                ),
                format!("polikrami dead-letters list --flow {}", one.flow),
            )
        })
        .collect()
}

pub fn timers(journal: &Journal) -> Option<Finding> {
    let timers = &journal.timers;
    let late = timers.late_ms.filter(|late| *late >= TIMER_LATE_MS)?;
    let (cause, next) = match &timers.error {
        _ if !held(journal, TIMERS) => ("no process fires them", "polikrami serve --only timers"),
        Some(error) => (error.as_str(), "it is retried, then becomes a dead letter; the cause is in the log"),
        None => ("the process that fires them holds its lock and does not move", "look at its log"),
    };
    let what = if timers.overdue == 1 { "1 timer is" } else { "timers are" };
    let many = if timers.overdue == 1 { String::new() } else { format!("{} ", grouped(timers.overdue)) };
    Some(Finding::problem(format!("{many}{what} late, up to {}: {cause}", age(late)), next))
}
