//! The two calls: the append without checks, and the one that sorts winners from losers.

use super::append::{Append, EventRow, Job, Verdict};
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;

const APPEND_ONE: &str = "SELECT journal_append_one($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const APPEND_EVENTS: &str = "SELECT journal_append($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const APPEND_ALL: &str = "SELECT journal_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
     $16, $17, $18, $19, $20, $21, $22)";

const APPEND_CHECKED: &str = "SELECT verdict, first_position, claim FROM journal_append_checked($1, $2, $3, $4, $5, \
     $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)";

type Query<'a> = sqlx::query::Query<'a, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Appends everything or, by a unique violation, nothing.
pub(super) async fn append(connection: &mut PgConnection, jobs: &[Job]) -> Result<Vec<Verdict>, sqlx::Error> {
    let riders = jobs.iter().any(|job| !job.append.claims.is_empty() || job.append.answer.is_some());
    let query = if let (false, Some(row)) = (riders, lone(jobs)) {
        sqlx::query(APPEND_ONE)
            .bind(&row.aggregate_type)
            .bind(&row.aggregate_id)
            .bind(row.sequence)
            .bind(&row.event_type)
            .bind(&row.event_version)
            .bind(&row.payload)
            .bind(&row.metadata)
            .bind(row.recorded_at)
            .bind(row.leaf_hash.as_slice())
    } else if riders {
        let query = EventColumns::of(jobs).bind(sqlx::query(APPEND_ALL));
        let answers = AnswerColumns::of(jobs);
        let last_rows = answers.last_rows.clone();
        let query = ClaimColumns::of(jobs).bind(query);
        let AnswerColumns { scopes, keys, fingerprints, answers, command_ids, recorded_ats, .. } = answers;
        query
            .bind(scopes)
            .bind(keys)
            .bind(fingerprints)
            .bind(answers)
            .bind(command_ids)
            .bind(last_rows)
            .bind(recorded_ats)
    } else {
        EventColumns::of(jobs).bind(sqlx::query(APPEND_EVENTS))
    };
    let base: i64 = query.fetch_one(connection).await?.try_get(0)?;
    Ok(firsts(base, jobs))
}

/// The event, where there is one only.
fn lone(jobs: &[Job]) -> Option<&EventRow> {
    let mut rows = jobs.iter().flat_map(|job| &job.append.rows);
    rows.next().filter(|_| rows.next().is_none())
}

/// Where each command's events begin when all were appended behind `base`.
fn firsts(base: i64, jobs: &[Job]) -> Vec<Verdict> {
    let mut next = base + 1;
    jobs.iter()
        .map(|job| {
            let rows = count(&job.append);
            let first = (rows > 0).then_some(next);
            next += rows;
            Verdict::Appended { first }
        })
        .collect()
}

/// Appends what fits, and answers each command.
pub(super) async fn append_checked(
    connection: &mut PgConnection,
    jobs: &[Job],
) -> Result<Vec<Verdict>, sqlx::Error> {
    let command_ids: Vec<&str> = jobs.iter().map(|job| job.append.command_id.as_str()).collect();
    let events = EventColumns::of(jobs);
    let claims = ClaimColumns::of(jobs);
    let answers = AnswerColumns::of(jobs);
    let query = sqlx::query(APPEND_CHECKED).bind(command_ids).bind(events.commands.clone());
    let query = events.bind(query).bind(claims.commands.clone());
    let query = claims
        .bind(query)
        .bind(answers.commands)
        .bind(answers.scopes)
        .bind(answers.keys)
        .bind(answers.fingerprints)
        .bind(answers.answers)
        .bind(answers.command_ids)
        .bind(answers.recorded_ats);
    let rows = query.fetch_all(connection).await?;
    if rows.len() != jobs.len() {
        return Err(sqlx::Error::Protocol(format!("{} verdicts on {} commands", rows.len(), jobs.len())));
    }
    let claims: Vec<_> = jobs.iter().flat_map(|job| &job.append.claims).collect();
    rows.iter()
        .map(|row| {
            let first = row.try_get("first_position")?;
            match row.try_get("verdict")? {
                "appended" => Ok(Verdict::Appended { first }),
                "same" => Ok(Verdict::Already { first, same: true }),
                "already" => Ok(Verdict::Already { first, same: false }),
                "conflict" => Ok(Verdict::Conflict),
                "idempotency" => Ok(Verdict::KeyUsed),
                "claim" => {
                    let index = usize::try_from(row.try_get::<i64, _>("claim")? - 1).unwrap_or(usize::MAX);
                    let claim = claims
                        .get(index)
                        .ok_or_else(|| sqlx::Error::Protocol(format!("verdict on claim {index}")))?;
                    Ok(Verdict::ClaimTaken { scope: claim.scope.clone(), key: claim.key.clone() })
                }
                other => Err(sqlx::Error::Protocol(format!("unknown verdict {other}"))),
            }
        })
        .collect()
}

fn count(append: &Append) -> i64 {
    i64::try_from(append.rows.len()).unwrap_or(i64::MAX)
}

/// The number of a command as the database counts, from 1.
fn numbered(jobs: &[Job]) -> impl Iterator<Item = (i64, &Append)> {
    (1..).zip(jobs.iter().map(|job| &job.append))
}

#[derive(Default)]
struct EventColumns<'a> {
    commands: Vec<i64>,
    aggregate_types: Vec<&'a str>,
    aggregate_ids: Vec<&'a str>,
    sequences: Vec<i64>,
    event_types: Vec<&'a str>,
    event_versions: Vec<&'a str>,
    payloads: Vec<&'a str>,
    metadatas: Vec<&'a str>,
    recorded_ats: Vec<OffsetDateTime>,
    leaf_hashes: Vec<&'a [u8]>,
}

impl<'a> EventColumns<'a> {
    fn of(jobs: &'a [Job]) -> Self {
        let mut columns = Self::default();
        for (command, append) in numbered(jobs) {
            for row in &append.rows {
                columns.commands.push(command);
                columns.aggregate_types.push(&row.aggregate_type);
                columns.aggregate_ids.push(&row.aggregate_id);
                columns.sequences.push(row.sequence);
                columns.event_types.push(&row.event_type);
                columns.event_versions.push(&row.event_version);
                columns.payloads.push(&row.payload);
                columns.metadatas.push(&row.metadata);
                columns.recorded_ats.push(row.recorded_at);
                columns.leaf_hashes.push(&row.leaf_hash);
            }
        }
        columns
    }

    fn bind(self, query: Query<'a>) -> Query<'a> {
        query
            .bind(self.aggregate_types)
            .bind(self.aggregate_ids)
            .bind(self.sequences)
            .bind(self.event_types)
            .bind(self.event_versions)
            .bind(self.payloads)
            .bind(self.metadatas)
            .bind(self.recorded_ats)
            .bind(self.leaf_hashes)
    }
}

#[derive(Default)]
struct ClaimColumns<'a> {
    commands: Vec<i64>,
    scopes: Vec<&'a str>,
    keys: Vec<&'a str>,
    owner_types: Vec<&'a str>,
    owner_ids: Vec<&'a str>,
    command_ids: Vec<&'a str>,
    claimed_ats: Vec<OffsetDateTime>,
}

impl<'a> ClaimColumns<'a> {
    fn of(jobs: &'a [Job]) -> Self {
        let mut columns = Self::default();
        for (command, append) in numbered(jobs) {
            for claim in &append.claims {
                columns.commands.push(command);
                columns.scopes.push(&claim.scope);
                columns.keys.push(&claim.key);
                columns.owner_types.push(&claim.owner_type);
                columns.owner_ids.push(&claim.owner_id);
                columns.command_ids.push(&append.command_id);
                columns.claimed_ats.push(claim.claimed_at);
            }
        }
        columns
    }

    fn bind(self, query: Query<'a>) -> Query<'a> {
        query
            .bind(self.scopes)
            .bind(self.keys)
            .bind(self.owner_types)
            .bind(self.owner_ids)
            .bind(self.command_ids)
            .bind(self.claimed_ats)
    }
}

#[derive(Default)]
struct AnswerColumns<'a> {
    commands: Vec<i64>,
    scopes: Vec<&'a str>,
    keys: Vec<&'a str>,
    fingerprints: Vec<&'a str>,
    answers: Vec<&'a str>,
    command_ids: Vec<&'a str>,
    /// The row of the batch that is the command's last event, from 1; absent if it has none.
    last_rows: Vec<Option<i64>>,
    recorded_ats: Vec<OffsetDateTime>,
}

impl<'a> AnswerColumns<'a> {
    fn of(jobs: &'a [Job]) -> Self {
        let mut columns = Self::default();
        let mut rows = 0;
        for (command, append) in numbered(jobs) {
            rows += count(append);
            if let Some(answer) = &append.answer {
                columns.commands.push(command);
                columns.scopes.push(&answer.scope);
                columns.keys.push(&answer.key);
                columns.fingerprints.push(&answer.fingerprint);
                columns.answers.push(&answer.answer);
                columns.command_ids.push(&append.command_id);
                columns.last_rows.push((!append.rows.is_empty()).then_some(rows));
                columns.recorded_ats.push(answer.recorded_at);
            }
        }
        columns
    }
}
