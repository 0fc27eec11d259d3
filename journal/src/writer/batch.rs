//! Which waiting commands go together: as many as fit, and no two that want the same row.

use super::append::{Append, Job};
use std::collections::{HashMap, VecDeque};

/// Bounds of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub commands: usize,
    pub rows: usize,
    pub bytes: usize,
}

/// Commands that are sent in one call.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub jobs: Vec<Job>,
    /// Commands that want a row of the job with that index; decided once its verdict is known.
    pub rivals: Vec<(usize, Rivalry, Job)>,
}

/// What two commands of a batch both want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rivalry {
    /// The same place in a stream: if the first got it, the second has lost.
    Event,
    /// The same claim or idempotency key: the second must be asked about on its own, for the right answer.
    Rider,
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Event(String, String, i64),
    Claim(String, String),
    Answer(String, String),
}

/// Takes commands from the front while they fit; at least one, however large.
pub(super) fn take(waiting: &mut VecDeque<Job>, limits: Limits) -> Batch {
    let mut batch = Batch::default();
    let mut wanted = HashMap::new();
    let (mut rows, mut bytes) = (0, 0);
    // A command alone has no rivals: the common case takes no detour.
    let alone = waiting.len() == 1;
    while let Some(next) = waiting.front() {
        let taken = batch.jobs.len() + batch.rivals.len();
        rows += next.append.row_count();
        bytes += next.append.bytes;
        let full = taken >= limits.commands || rows > limits.rows || bytes > limits.bytes;
        if taken > 0 && full {
            break;
        }
        let Some(job) = waiting.pop_front() else { break };
        if alone {
            batch.jobs.push(job);
        } else if let Some((first, rivalry)) = rival(&wanted, &job.append) {
            batch.rivals.push((first, rivalry, job));
        } else {
            wanted.extend(keys(&job.append).map(|key| (key, batch.jobs.len())));
            batch.jobs.push(job);
        }
    }
    batch
}

fn rival(wanted: &HashMap<Key, usize>, append: &Append) -> Option<(usize, Rivalry)> {
    keys(append).find_map(|key| {
        let first = *wanted.get(&key)?;
        let rivalry = if matches!(key, Key::Event(..)) { Rivalry::Event } else { Rivalry::Rider };
        Some((first, rivalry))
    })
}

/// Idempotency first: its answer outranks a lost race.
fn keys(append: &Append) -> impl Iterator<Item = Key> + '_ {
    let answer = append.answer.iter().map(|row| Key::Answer(row.scope.clone(), row.key.clone()));
    let claims = append.claims.iter().map(|row| Key::Claim(row.scope.clone(), row.key.clone()));
    let events = append
        .rows
        .iter()
        .map(|row| Key::Event(row.aggregate_type.clone(), row.aggregate_id.clone(), row.sequence));
    answer.chain(claims).chain(events)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::writer::append::{AnswerRow, ClaimRow, EventRow};
    use time::OffsetDateTime;
    use tokio::sync::oneshot;

    const LIMITS: Limits = Limits { commands: 4, rows: 7, bytes: 10_000 };

    pub fn row(id: &str, sequence: i64, payload_bytes: usize) -> EventRow {
        EventRow {
            aggregate_type: "order".to_owned(),
            aggregate_id: id.to_owned(),
            sequence,
            event_type: "placed".to_owned(),
            event_version: "1".to_owned(),
            payload: "x".repeat(payload_bytes),
            metadata: String::new(),
            recorded_at: OffsetDateTime::UNIX_EPOCH,
            leaf_hash: [0; 32],
        }
    }

    fn job(command: &str, rows: Vec<EventRow>) -> Job {
        Job { append: Append::new(command.to_owned(), rows, vec![], None), reply: oneshot::channel().0 }
    }

    fn names(batch: &Batch) -> Vec<&str> {
        batch.jobs.iter().map(|job| job.append.command_id.as_str()).collect()
    }

    #[test]
    fn a_batch_ends_at_the_first_limit_and_keeps_the_order() {
        let mut waiting: VecDeque<_> =
            (0..6).map(|n| job(&n.to_string(), vec![row(&n.to_string(), 1, 10)])).collect();
        assert_eq!(names(&take(&mut waiting, LIMITS)), ["0", "1", "2", "3"]);
        assert_eq!(names(&take(&mut waiting, LIMITS)), ["4", "5"]);
        assert!(take(&mut waiting, LIMITS).jobs.is_empty());

        let mut by_rows = VecDeque::from([
            job("a", (1..=4).map(|n| row("a", n, 1)).collect()),
            job("b", (1..=4).map(|n| row("b", n, 1)).collect()),
        ]);
        assert_eq!(names(&take(&mut by_rows, LIMITS)), ["a"]);

        let mut by_bytes =
            VecDeque::from([job("a", vec![row("a", 1, 9_000)]), job("b", vec![row("b", 1, 2_000)])]);
        assert_eq!(names(&take(&mut by_bytes, LIMITS)), ["a"]);
    }

    #[test]
    fn a_command_larger_than_a_batch_goes_alone() {
        let mut waiting =
            VecDeque::from([job("big", vec![row("a", 1, 50_000)]), job("b", vec![row("b", 1, 1)])]);
        assert_eq!(names(&take(&mut waiting, LIMITS)), ["big"]);
        assert_eq!(names(&take(&mut waiting, LIMITS)), ["b"]);
    }

    #[test]
    fn two_commands_for_one_place_in_a_stream_do_not_meet_in_one_call() {
        let mut waiting = VecDeque::from([
            job("first", vec![row("a", 3, 1)]),
            job("other", vec![row("b", 3, 1)]),
            job("rival", vec![row("a", 3, 1)]),
        ]);
        let batch = take(&mut waiting, LIMITS);
        assert_eq!(names(&batch), ["first", "other"]);
        let rivals: Vec<_> =
            batch.rivals.iter().map(|(of, why, job)| (*of, *why, job.append.command_id.as_str())).collect();
        assert_eq!(rivals, [(0, Rivalry::Event, "rival")]);
    }

    #[test]
    fn commands_that_follow_each_other_in_a_stream_go_together() {
        let mut waiting =
            VecDeque::from([job("first", vec![row("a", 3, 1)]), job("next", vec![row("a", 4, 1)])]);
        assert_eq!(names(&take(&mut waiting, LIMITS)), ["first", "next"]);
    }

    #[test]
    fn rivals_for_a_claim_or_a_key_wait_for_their_own_answer() {
        let claim = |owner: &str| ClaimRow {
            scope: "email".to_owned(),
            key: "a@b".to_owned(),
            owner_type: "account".to_owned(),
            owner_id: owner.to_owned(),
            claimed_at: OffsetDateTime::UNIX_EPOCH,
        };
        let answer = AnswerRow {
            scope: "account:1".to_owned(),
            key: "k".to_owned(),
            fingerprint: "f".to_owned(),
            answer: "{}".to_owned(),
            recorded_at: OffsetDateTime::UNIX_EPOCH,
        };
        let with = |rows, claims, answer| Job {
            append: Append::new("c".to_owned(), rows, claims, answer),
            reply: oneshot::channel().0,
        };
        let mut waiting = VecDeque::from([
            with(vec![row("a", 1, 1)], vec![claim("a")], Some(answer.clone())),
            with(vec![row("b", 1, 1)], vec![claim("b")], None),
            with(vec![row("a", 1, 1)], vec![], Some(answer)),
        ]);
        let batch = take(&mut waiting, LIMITS);
        let rivals: Vec<_> = batch.rivals.iter().map(|(of, why, _)| (*of, *why)).collect();
        assert_eq!(rivals, [(0, Rivalry::Rider), (0, Rivalry::Rider)]);
    }
}
