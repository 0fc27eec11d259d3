//! What must hold for whatever was asked of the journal, compared with what the callers were told.

use crate::load::{Answer, Outcome};
use domain::Envelope;
use journal::{leaf, read};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What was looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub events: usize,
    pub streams: usize,
    pub committed: usize,
    /// Refused by the domain.
    pub refused: usize,
    /// Answered "not written" and asked again.
    pub not_written: usize,
    /// Answered "not known" and asked again.
    pub unknown: usize,
}

/// Reads the whole journal and compares it with the answers; `others` are commands that somebody else sent.
///
/// # Panics
/// At the first disagreement.
pub async fn check(pool: &PgPool, answers: &[Answer], others: &[Uuid]) -> Seen {
    // `page` itself refuses a gap, a double and a wrong order.
    let events = read::page(pool, 0, i64::MAX, usize::MAX).await.unwrap();
    let streams = streams_are_gapless(&events);
    let positions = positions_by_command(&events);
    let mut seen = Seen { events: events.len(), streams, ..Seen::default() };
    let mut committed = BTreeMap::new();
    for answer in answers {
        let found = positions.get(&answer.command).map(Vec::as_slice).unwrap_or_default();
        match &answer.outcome {
            Outcome::Committed { position } => {
                assert_eq!(found, [*position], "acknowledged, and not exactly there: {answer:?}");
                if committed.insert(answer.command, answer).is_none() {
                    seen.committed += 1;
                }
            }
            Outcome::Refused => {
                assert_eq!(found, [] as [i64; 0], "refused, and there: {answer:?}");
                seen.refused += 1;
            }
            Outcome::NotWritten { .. } => seen.not_written += 1,
            Outcome::Unknown => seen.unknown += 1,
        }
    }
    let known: BTreeSet<&Uuid> = committed.keys().chain(others).collect();
    let strangers: Vec<_> = positions.keys().filter(|command| !known.contains(command)).collect();
    assert_eq!(strangers, [] as [&Uuid; 0], "in the journal, and nobody was told");
    answers_and_positions_agree(answers);
    wallets_add_up(&events, committed.values().copied());
    let verified = leaf::verify(pool, 0, |_| {}).await.unwrap();
    assert_eq!((verified.events, verified.bad), (events.len() as u64, None));
    seen
}

/// Sequences are 1, 2, 3 … in the order of the positions; answers how many streams there are.
fn streams_are_gapless(events: &[Envelope]) -> usize {
    let mut last = BTreeMap::new();
    for event in events {
        let sequence = last.entry((&event.aggregate_type, &event.aggregate_id)).or_insert(0);
        *sequence += 1;
        assert_eq!(event.sequence, *sequence, "position {}: {event:?}", event.position);
    }
    last.len()
}

fn positions_by_command(events: &[Envelope]) -> BTreeMap<Uuid, Vec<i64>> {
    let mut positions: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for event in events {
        positions.entry(event.metadata["command_id"].parse().unwrap()).or_default().push(event.position);
    }
    positions
}

/// What was answered before another command of the process was sent has the smaller position.
fn answers_and_positions_agree(answers: &[Answer]) {
    let mut moments: BTreeMap<u32, BTreeMap<u64, (bool, i64)>> = BTreeMap::new();
    for answer in answers {
        if let Outcome::Committed { position } = answer.outcome {
            let process = moments.entry(answer.process).or_default();
            process.insert(answer.started, (true, position));
            process.insert(answer.answered, (false, position));
        }
    }
    // A repeat may find what an earlier attempt had written: its position is older than its start.
    let repeated: BTreeSet<i64> = {
        let attempts = answers.iter().fold(BTreeMap::<Uuid, u32>::new(), |mut map, answer| {
            *map.entry(answer.command).or_default() += 1;
            map
        });
        let positions = answers.iter().filter_map(|answer| match answer.outcome {
            Outcome::Committed { position } if attempts[&answer.command] > 1 => Some(position),
            _ => None,
        });
        positions.collect()
    };
    for moments in moments.values() {
        let mut highest = 0;
        for (starts, position) in moments.values() {
            if !*starts {
                highest = highest.max(*position);
            } else if !repeated.contains(position) {
                assert!(*position > highest, "{position} was sent when {highest} had been answered");
            }
        }
    }
}

/// Each wallet has what was given less what was taken, and never had less than nothing.
fn wallets_add_up<'a>(events: &[Envelope], committed: impl Iterator<Item = &'a Answer>) {
    let mut told: BTreeMap<String, i64> = BTreeMap::new();
    for answer in committed {
        *told.entry(answer.wallet.to_string()).or_default() += answer.credits;
    }
    let mut has: BTreeMap<String, i64> = BTreeMap::new();
    for event in events.iter().filter(|event| event.aggregate_type == "wallet") {
        let credits = event.payload["credits"].as_i64().unwrap();
        let wallet = has.entry(event.aggregate_id.clone()).or_default();
        *wallet += if event.event_type == "granted" { credits } else { -credits };
        assert!(*wallet >= 0, "{event:?}");
    }
    for (wallet, told) in told {
        assert_eq!(has[&wallet], told, "wallet {wallet}");
    }
}
