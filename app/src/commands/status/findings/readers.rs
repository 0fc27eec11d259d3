//! Who reads every event and does not.

use super::{Finding, INTERRUPTED_SECONDS, READER_BEHIND_MS, Service, age, count, grouped, held};
use crate::snapshot::{Activity, Journal, Kind, PROJECTIONS, Reader, Relay, SEALS};
use projections::State;
use std::collections::BTreeMap;

/// How a reader that is behind moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    AtHead,
    /// Behind for a moment only.
    Working,
    /// Behind for long, and getting nearer since the look before.
    CatchingUp,
    Stands,
}

pub fn pace(reader: &Reader, before: Option<&Journal>) -> Pace {
    if reader.behind_events == 0 {
        return Pace::AtHead;
    }
    if reader.behind_ms < READER_BEHIND_MS {
        return Pace::Working;
    }
    let earlier = before.and_then(|journal| journal.readers.iter().find(|one| one.reader == reader.reader));
    // Moving is not enough: whoever falls further behind will never arrive.
    let nearer = |one: &Reader| reader.position > one.position && reader.behind_ms <= one.behind_ms;
    if earlier.is_some_and(nearer) { Pace::CatchingUp } else { Pace::Stands }
}

pub fn read_models(journal: &Journal, before: Option<&Journal>) -> Vec<Finding> {
    let mut found = Vec::new();
    // Those that stand at one place have one cause: it is said once.
    let mut standing: BTreeMap<i64, Vec<&Reader>> = BTreeMap::new();
    for reader in journal.readers.iter().filter(|reader| reader.kind == Kind::ReadModel) {
        let name = &reader.reader;
        match &reader.state {
            State::Stopped { position, cause } => found.push(Finding::problem(
                format!("{name} stopped at {}, {} ago: {cause}", grouped(*position), age(reader.behind_ms)),
                format!(
                    "mend the cause, then polikrami projections resume {name}; or skip the event, or rebuild"
                ),
            )),
            State::Outdated { version } => found.push(Finding::problem(
                format!("{name} holds rows of version {version} of its fold, not of this release"),
                format!("polikrami projections rebuild {name}"),
            )),
            _ => match pace(reader, before) {
                Pace::AtHead | Pace::Working => {}
                Pace::CatchingUp => found.push(catching_up(name, reader)),
                Pace::Stands => standing.entry(reader.position).or_default().push(reader),
            },
        }
    }
    found.extend(standing.values().filter_map(|readers| standing_models(journal, readers)));
    found
}

fn standing_models(journal: &Journal, readers: &[&Reader]) -> Option<Finding> {
    let first = readers.first()?;
    let (who, verb) = match readers {
        [one] => (one.reader.clone(), "stands"),
        more => (format!("{} read models", more.len()), "stand"),
    };
    let (cause, next) = if held(journal, PROJECTIONS) {
        ("the process that keeps them holds its lock and does not move", "look at its log and its connection")
    } else {
        ("no process keeps them", "polikrami serve --only projections")
    };
    Some(Finding::problem(format!("{who} {verb} still {}: {cause}", place(first)), next))
}

/// What is asked of the relay is whether it publishes, also while there is nothing to publish.
pub fn relay(journal: &Journal, before: Option<&Journal>, service: &Service) -> Option<Finding> {
    let reader = journal.readers.iter().find(|reader| reader.kind == Kind::Relay)?;
    let own = match service {
        Service::Answers(process) => process.relay.as_ref(),
        Service::Unknown | Service::Away { .. } => None,
    };
    let interrupted = own.filter(|relay| relay.activity == Activity::Interrupted);
    let long = interrupted.is_some_and(|relay| relay.since_seconds >= INTERRUPTED_SECONDS);
    match pace(reader, before) {
        Pace::CatchingUp if !long => Some(catching_up("the relay", reader)),
        Pace::Stands | Pace::CatchingUp => Some(not_publishing(journal, reader, interrupted)),
        Pace::AtHead | Pace::Working => long.then(|| not_publishing(journal, reader, interrupted)),
    }
}

fn not_publishing(journal: &Journal, reader: &Reader, interrupted: Option<&Relay>) -> Finding {
    let since = interrupted.map_or(0, |relay| i64::try_from(relay.since_seconds).unwrap_or(i64::MAX / 1_000));
    let since = age(reader.behind_ms.max(since * 1_000));
    let waiting = match reader.behind_events {
        0 => String::new(),
        1 => ", 1 event waits".into(),
        events => format!(", {} wait", count(events, "event")),
    };
    let (cause, next) = match interrupted.map(|relay| relay.last_error.as_deref()) {
        Some(error) => (
            error.unwrap_or("its last session failed"),
            "start NATS, or mend NATS_URL; orders go on, reactions wait for it",
        ),
        None if held(journal, &reader.reader) => (
            "a process holds its lock, and only its operators' port knows why",
            "polikrami status --admin-url http://…, or its log: \"the relay was interrupted\"",
        ),
        None => ("no process runs it", "polikrami serve --only relay"),
    };
    Finding::problem(format!("the relay has not published for {since}{waiting}: {cause}"), next)
}

pub fn seals(journal: &Journal, before: Option<&Journal>) -> Option<Finding> {
    let reader = journal.readers.iter().find(|reader| reader.kind == Kind::Seals)?;
    match pace(reader, before) {
        Pace::AtHead | Pace::Working => None,
        Pace::CatchingUp => Some(catching_up("the check of hashes", reader)),
        Pace::Stands if held(journal, SEALS) => Some(Finding::problem(
            format!("the check of hashes stands still {}: an event may have been altered", place(reader)),
            "polikrami journal verify",
        )),
        Pace::Stands => Some(Finding::problem(
            format!("the check of hashes stands still {}: no process runs it", place(reader)),
            "polikrami serve --only seals",
        )),
    }
}

fn catching_up(who: &str, reader: &Reader) -> Finding {
    Finding::notice(
        format!(
            "{who} is catching up: {} left, the first is {} old",
            count(reader.behind_events, "event"),
            age(reader.behind_ms)
        ),
        "nothing; polikrami status --watch shows its rate",
    )
}

fn place(reader: &Reader) -> String {
    format!(
        "at {} for {}, {} behind",
        grouped(reader.position),
        age(reader.behind_ms),
        count(reader.behind_events, "event")
    )
}
