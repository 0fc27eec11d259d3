//! Replays: what they would do, the request for them, and the wait for what came of it.

use super::{checked, connect, letter, one_line, reader, timestamp};
use crate::cli::ReplayLettersArgs;
use crate::commands::BoxError;
use crate::terminal::line;
use journal::dead_letters::{self, Author, DeadLetter, ReplayTerms, RequestError, State};
use journal::{Commands, timers};
use sagas::flows;
use sagas::runner::replays::{Prospect, prospect};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;
use uuid::Uuid;

/// Letters of a preview that are named one by one.
const NAMED_MAX: usize = 20;
const POLL: Duration = Duration::from_millis(200);

pub(super) async fn run(args: &ReplayLettersArgs) -> Result<(), BoxError> {
    let pool = connect(&args.database).await?;
    match args.id {
        Some(id) => one(&pool, id, args).await,
        None => all(&pool, args).await,
    }
}

async fn one(pool: &PgPool, id: Uuid, args: &ReplayLettersArgs) -> Result<(), BoxError> {
    let letter = letter(pool, id).await?;
    if letter.state != State::Open {
        return Err(format!("{id} is {} already", letter.state).into());
    }
    is_known(&letter)?;
    let prospect = prospect(&reader(pool), pool, &letter).await?;
    line(one_line(&letter));
    line(format!("  {prospect}"));
    match &prospect {
        Prospect::Unreadable(words) => {
            return Err(format!("{words}; `correct` gives it the spelling of this release").into());
        }
        Prospect::Unclear(_) if !args.it_did_not_happen => {
            return Err("see `show`; with --it-did-not-happen it is done on your word".into());
        }
        Prospect::Unclear(_) | Prospect::Does(_) | Prospect::NothingToDo(_) => {}
    }
    if !args.yes {
        line("nothing was done: this is the preview, --yes does it");
        return Ok(());
    }
    let terms = ReplayTerms { it_did_not_happen: args.it_did_not_happen, ..ReplayTerms::default() };
    let author = author(args)?;
    let replay = dead_letters::request_replay(&mut *pool.acquire().await?, &letter, author, terms).await?;
    line(format!("replay {replay} is asked for"));
    outcome(pool, id, replay, Duration::from_secs(args.wait)).await
}

/// Waits for what came of one replay.
async fn outcome(pool: &PgPool, id: Uuid, replay: i32, wait: Duration) -> Result<(), BoxError> {
    let until = Instant::now() + wait;
    loop {
        let replays = dead_letters::replays_of(pool, id).await?;
        let ended = replays.iter().find(|one| one.replay == replay && one.finished_at.is_some());
        if let Some(ended) = ended {
            let (result, words) = (ended.result.as_deref(), ended.outcome.as_deref().unwrap_or_default());
            if matches!(result, Some("done" | "nothing_to_do")) {
                line(words);
                return Ok(());
            }
            return Err(format!("it stays open: {words}").into());
        }
        if Instant::now() >= until {
            line("it waits for the process with the role `sagas`; see `show`");
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn all(pool: &PgPool, args: &ReplayLettersArgs) -> Result<(), BoxError> {
    let as_of = args.as_of.as_deref().map(|text| OffsetDateTime::parse(text, &Rfc3339)).transpose();
    let as_of = as_of.map_err(|error| format!("--as-of is no time as the preview names it: {error}"))?;
    // One statement: what fails from here on is not among them.
    let letters = dead_letters::replayable(pool, args.flow.as_deref(), as_of, args.limit).await?;
    let sorted = sort(pool, letters).await?;
    sorted.show(args.limit);
    let Some(newest) = sorted.to_do.iter().map(|letter| letter.last_at).max() else {
        line("there is nothing to replay");
        return Ok(());
    };
    if !args.yes {
        let flow = args.flow.as_ref().map(|flow| format!(" --flow {flow}")).unwrap_or_default();
        line(format!(
            "nothing was done: this is the preview. These and no later ones: replay --all{flow} --limit {} \
             --as-of {} --yes --by … --reason …",
            args.limit,
            timestamp(newest)
        ));
        return Ok(());
    }
    let author = author(args)?;
    let batch = batch_id(&sorted.to_do, author);
    let asked = request(pool, &sorted.to_do, author, batch, args.stop_after).await?;
    line(format!("{asked} of {} replays are asked for, batch {batch}", sorted.to_do.len()));
    outcomes(pool, batch, Duration::from_secs(args.wait)).await
}

/// The letters of a batch, told apart by what a replay would do.
struct Sorted {
    to_do: Vec<DeadLetter>,
    counts: BTreeMap<String, usize>,
    named: Vec<String>,
    seen: usize,
}

async fn sort(pool: &PgPool, letters: Vec<DeadLetter>) -> Result<Sorted, BoxError> {
    let commands: Commands = reader(pool);
    let mut sorted = Sorted { to_do: vec![], counts: BTreeMap::new(), named: vec![], seen: letters.len() };
    for letter in letters {
        let prospect = match is_known(&letter) {
            Ok(()) => prospect(&commands, pool, &letter).await?,
            Err(error) => Prospect::Unreadable(error.to_string()),
        };
        if sorted.named.len() < NAMED_MAX {
            sorted.named.push(format!("{}\n  {prospect}", one_line(&letter)));
        }
        let (kind, is_taken) = match prospect {
            Prospect::Does(_) => ("to be done", true),
            Prospect::NothingToDo(_) => ("to be closed, with nothing to do", true),
            Prospect::Unclear(_) => ("left out: may have happened, needs your word one by one", false),
            Prospect::Unreadable(_) => ("left out: this release cannot read it", false),
        };
        *sorted.counts.entry(format!("{:<14} {kind}", letter.flow)).or_default() += 1;
        if is_taken {
            sorted.to_do.push(letter);
        }
    }
    Ok(sorted)
}

impl Sorted {
    fn show(&self, limit: i64) {
        for named in &self.named {
            line(named);
        }
        if self.seen > self.named.len() {
            line(format!("… and {} more", self.seen - self.named.len()));
        }
        for (kind, count) in &self.counts {
            line(format!("{count:>6} {kind}"));
        }
        if i64::try_from(self.seen).unwrap_or(i64::MAX) == limit {
            line(format!("the oldest {limit}; there may be more, which a second command takes"));
        }
    }
}

/// Answers how many were asked for; one that changed meanwhile is left alone.
async fn request(
    pool: &PgPool,
    letters: &[DeadLetter],
    author: Author<'_>,
    batch: Uuid,
    stop_after: i32,
) -> Result<usize, BoxError> {
    let terms = ReplayTerms { batch: Some(batch), failures_max: Some(stop_after), it_did_not_happen: false };
    let mut connection = pool.acquire().await?;
    let mut asked = 0;
    for letter in letters {
        match dead_letters::request_replay(&mut connection, letter, author, terms).await {
            Ok(_) => asked += 1,
            Err(error @ RequestError::Store(_)) => return Err(error.into()),
            Err(error) => line(format!("{}: {error}", letter.id)),
        }
    }
    Ok(asked)
}

/// Waits until the batch has ended, and tells how.
async fn outcomes(pool: &PgPool, batch: Uuid, wait: Duration) -> Result<(), BoxError> {
    let until = Instant::now() + wait;
    loop {
        let counts = dead_letters::batch_counts(pool, batch).await?;
        let waiting: i64 = counts.iter().filter(|(result, _)| result.is_none()).map(|(_, count)| count).sum();
        if waiting > 0 && Instant::now() < until {
            tokio::time::sleep(POLL).await;
            continue;
        }
        for (result, count) in &counts {
            line(format!("{count:>6} {}", result.as_deref().unwrap_or("waiting")));
        }
        let is_open = |result: &str| matches!(result, "failed" | "refused" | "withdrawn");
        if counts.iter().any(|(result, _)| result.as_deref().is_some_and(is_open)) {
            return Err("some stay open: polikrami dead-letters list --state open".into());
        }
        return Ok(());
    }
}

/// Follows from what it is about, so that it needs no chance.
fn batch_id(letters: &[DeadLetter], author: Author<'_>) -> Uuid {
    let ids = letters.iter().map(|letter| letter.id.to_string()).collect::<Vec<_>>().join(" ");
    domain::ids::derived(&["replays", &ids, author.by, &timestamp(author.at)])
}

fn author(args: &ReplayLettersArgs) -> Result<Author<'_>, BoxError> {
    checked(args.by.as_deref().unwrap_or_default(), args.reason.as_deref().unwrap_or_default())
}

/// Somebody must be there to do it.
fn is_known(letter: &DeadLetter) -> Result<(), BoxError> {
    let known = letter.flow == timers::runner::NAME || flows::ALL.iter().any(|flow| flow.name == letter.flow);
    if known { Ok(()) } else { Err(format!("this release has no flow {}", letter.flow).into()) }
}
