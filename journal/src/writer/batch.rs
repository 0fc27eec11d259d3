//! Which waiting commands go together: as many as fit, and no two that want the same row.

use super::append::{Append, Job};
use super::fate::Fate;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

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
    /// Commands that have to wait for the verdict on another one of the batch.
    pub rivals: Vec<Rival>,
}

/// A command that wants a row which another one of the batch wants too.
#[derive(Debug)]
pub(super) struct Rival {
    pub of: Fate,
    pub of_command: String,
    pub why: Rivalry,
    pub job: Job,
}

/// What two commands of a batch both want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rivalry {
    /// The same place in a stream: if the first got it, the second has lost.
    Event,
    /// The same claim or idempotency key: the second must be asked about on its own, for the right answer.
    Rider,
    /// It was decided upon another rival.
    Follower,
}

/// A row as a number; two rows that share one by chance only wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Event(u64),
    Rider(u64),
}

/// Takes commands from the front while they fit; at least one, however large.
pub(super) fn take(waiting: &mut VecDeque<Job>, limits: Limits) -> Batch {
    let mut batch = Batch::default();
    let mut wanted: HashMap<Key, usize> = HashMap::new();
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
        } else if let Some((first, why)) = batch.rival_of(&wanted, &job) {
            let (of, of_command) = (first.fate.fate().clone(), first.append.command_id.clone());
            batch.rivals.push(Rival { of, of_command, why, job });
        } else {
            let state = wanted.hasher().clone();
            wanted.extend(keys(&job.append, &state).map(|key| (key, batch.jobs.len())));
            batch.jobs.push(job);
        }
    }
    batch
}

impl Batch {
    /// Whom the command has to wait for, and why.
    fn rival_of(&self, wanted: &HashMap<Key, usize>, job: &Job) -> Option<(&Job, Rivalry)> {
        let follows = |rival: &&Rival| job.after.iter().any(|fate| fate.is(rival.job.fate.fate()));
        if let Some(rival) = self.rivals.iter().find(follows) {
            return Some((&rival.job, Rivalry::Follower));
        }
        keys(&job.append, wanted.hasher()).find_map(|key| {
            let first = self.jobs.get(*wanted.get(&key)?)?;
            Some((first, if matches!(key, Key::Event(_)) { Rivalry::Event } else { Rivalry::Rider }))
        })
    }
}

/// Idempotency first: its answer outranks a lost race.
fn keys<'a>(append: &'a Append, state: &'a RandomState) -> impl Iterator<Item = Key> + 'a {
    let answer = append.answer.iter().map(|row| Key::Rider(state.hash_one(("answer", &row.scope, &row.key))));
    let claims = append.claims.iter().map(|row| Key::Rider(state.hash_one(("claim", &row.scope, &row.key))));
    let events = append
        .rows
        .iter()
        .map(|row| Key::Event(state.hash_one((&row.aggregate_type, &row.aggregate_id, row.sequence))));
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
        with(Append::new(command.to_owned(), rows, vec![], None), vec![])
    }

    fn with(append: Append, after: Vec<Fate>) -> Job {
        Job { append, after, epoch: 0, fate: Fate::new().1, reply: oneshot::channel().0 }
    }

    fn rivals(batch: &Batch) -> Vec<(&str, Rivalry, &str)> {
        let mut rivals = Vec::new();
        for Rival { of_command, why, job, .. } in &batch.rivals {
            rivals.push((of_command.as_str(), *why, job.append.command_id.as_str()));
        }
        rivals
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
        assert_eq!(rivals(&batch), [("first", Rivalry::Event, "rival")]);
    }

    #[test]
    fn whoever_was_decided_upon_a_rival_waits_with_it() {
        let rival = job("rival", vec![row("a", 3, 1)]);
        let follower = Append::new("follower".to_owned(), vec![row("a", 4, 1)], vec![], None);
        let follower = with(follower, vec![rival.fate.fate().clone()]);
        let mut waiting = VecDeque::from([job("first", vec![row("a", 3, 1)]), rival, follower]);
        let batch = take(&mut waiting, LIMITS);
        assert_eq!(names(&batch), ["first"]);
        let expected = [("first", Rivalry::Event, "rival"), ("rival", Rivalry::Follower, "follower")];
        assert_eq!(rivals(&batch), expected);
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
        let with = |rows, claims, answer| with(Append::new("c".to_owned(), rows, claims, answer), vec![]);
        let mut waiting = VecDeque::from([
            with(vec![row("a", 1, 1)], vec![claim("a")], Some(answer.clone())),
            with(vec![row("b", 1, 1)], vec![claim("b")], None),
            with(vec![row("a", 1, 1)], vec![], Some(answer)),
        ]);
        let batch = take(&mut waiting, LIMITS);
        assert_eq!(rivals(&batch), [("c", Rivalry::Rider, "c"), ("c", Rivalry::Rider, "c")]);
    }
}
