//! The only door for writes: loads, decides, commits, and repeats what lost a race.

use crate::clock::Clock;
use crate::context::{Context, Rider, Seen};
use crate::load::{LoadError, Loader};
use crate::prepare::{self, PrepareError};
use crate::read::{self, ReadError, StoredAnswer};
use crate::states::{StateCache, States};
use crate::turns::{Turn, Turns};
use crate::unit::{From, Sources, Unit, stream_of};
use crate::writer::{Verdict, WriteError, Writer};
use domain::{Command, Decide, Envelope, Refusal};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;

/// Attempts to commit one unit before it gives up.
const RACES_MAX: u32 = 20;
/// Longest pause before the second attempt; doubles up to [`PAUSE_MAX`], and the actual one is random below it.
const PAUSE_FIRST: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What was committed, and where it can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// Of the last event written; or, when nothing had to be written, of the last event of the named streams
    /// (0 if they are empty).
    pub position: i64,
    /// The events of this unit, in order; those of the first attempt when that had been committed already.
    pub events: Vec<Envelope>,
}

/// Why a unit was not committed. Nothing of it was written, but for [`WriteError::Unknown`].
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The domain says no.
    #[error(transparent)]
    Refused(Refusal),
    /// The stream has grown since the caller saw it.
    #[error("{aggregate_type} {aggregate_id} has changed since it was seen")]
    Changed { aggregate_type: &'static str, aggregate_id: String },
    /// Another aggregate owns the claim.
    #[error("{scope} {key:?} is taken")]
    ClaimTaken { scope: String, key: String },
    /// The idempotency key was used before; compare the fingerprint, then give the stored answer.
    #[error("the idempotency key {:?} was used before", .stored.record.key)]
    IdempotencyKeyUsed { stored: Box<StoredAnswer> },
    /// It lost the race for its streams too often.
    #[error("gave up after {attempts} lost races")]
    Contended { attempts: u32 },
    /// The writer's queue stayed full; try again later.
    #[error("too many commands are waiting")]
    Busy,
    /// A unit needs a command.
    #[error("a unit without commands")]
    Empty,
    /// A stream holds what this release cannot read.
    #[error("a stream cannot be loaded")]
    Unreadable(#[from] LoadError),
    /// The events are such as the journal does not take.
    #[error("the events cannot be stored")]
    Unstorable(#[from] PrepareError),
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the journal cannot be written")]
    Store(#[source] WriteError),
}

/// What a caller asks for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    commands: &'a [Command],
    /// Of the commands, in their order.
    streams: &'a [(String, String)],
    seen: Option<&'a Seen>,
}

/// Executes commands; clones share the writer and the folded states.
#[derive(Clone)]
pub struct Commands {
    pool: PgPool,
    writer: Writer,
    clock: Clock,
    desk: Arc<Desk>,
}

/// What all clones share.
struct Desk {
    loader: Loader,
    states: States,
    turns: Turns,
}

impl Commands {
    pub fn new(pool: PgPool, writer: Writer, clock: Clock) -> Self {
        Self::with_cache(pool, writer, clock, StateCache::default())
    }

    /// The same with another bound for the folded states, or without any.
    pub fn with_cache(pool: PgPool, writer: Writer, clock: Clock, cache: StateCache) -> Self {
        let loader = Loader::new(pool.clone());
        let desk = Desk { loader, states: States::new(cache), turns: Turns::new() };
        Self { pool, writer, clock, desk: Arc::new(desk) }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The folded state of one aggregate as committed now; the default of an unknown id.
    pub async fn state<A: Decide>(&self, id: &str) -> Result<A, CommandError> {
        Ok(self.desk.loader.load::<A>(id).await?.state)
    }

    /// Commits all commands as one unit: all their events in one commit, or none.
    ///
    /// Several aggregates are allowed, and two commands on one aggregate see each other's events. A repeat of a
    /// command that was committed answers the position at which its result can be read.
    pub async fn execute(
        &self,
        commands: Vec<Command>,
        context: &Context,
        rider: Rider,
    ) -> Result<Committed, CommandError> {
        self.execute_upon(commands, context, rider, None).await
    }

    /// The same, but only while a stream of the unit is as the caller saw it: nobody overwrites what he has not seen.
    pub async fn execute_upon(
        &self,
        commands: Vec<Command>,
        context: &Context,
        rider: Rider,
        seen: Option<Seen>,
    ) -> Result<Committed, CommandError> {
        let streams: Vec<_> = commands.iter().map(stream_of).collect();
        let wanted = Wanted { commands: &commands, streams: &streams, seen: seen.as_ref() };
        for attempt in 0..RACES_MAX {
            if let Some(committed) = self.attempt(wanted, context, &rider).await? {
                return Ok(committed);
            }
            // Lost to another process, or with something of this one that it was decided upon.
            tracing::debug!(command.id = %context.command_id, attempt, "lost the race for a stream");
            if attempt > 0 {
                tokio::time::sleep(pause(attempt)).await;
            }
        }
        Err(CommandError::Contended { attempts: RACES_MAX })
    }

    /// `None` after a lost race.
    async fn attempt(
        &self,
        wanted: Wanted<'_>,
        context: &Context,
        rider: &Rider,
    ) -> Result<Option<Committed>, CommandError> {
        let streams = wanted.streams;
        let owner = streams.first().ok_or(CommandError::Empty)?;
        let turn = self.desk.turns.take(streams).await.ok_or(CommandError::Busy)?;
        let recorded_at = self.clock.now();
        let mut unit = match self.decide(wanted, context, recorded_at, &turn).await {
            Ok(unit) => unit,
            Err(refused @ CommandError::Refused(_)) => return Err(self.refused(refused, rider).await?),
            Err(error) => return Err(error),
        };
        let events = std::mem::take(&mut unit.events);
        // A claim without an event would be taken by nothing: a number burnt, a name lost.
        let bare = events.is_empty().then(|| rider.without_claims());
        let rider = bare.as_ref().unwrap_or(rider);
        if events.is_empty() && rider.is_empty() {
            unit.keep(None);
            return self.unchanged(streams).await.map(Some);
        }
        let append = prepare::append(&events, owner, context, rider, recorded_at)?;
        let queued = self.writer.queue(append, unit.upon(), unit.sources.epoch).await.map_err(store_error)?;
        unit.keep(Some(&queued.fate));
        // Whoever is next may decide upon this before it is written; without a state to decide upon, only after.
        turn.end_with(&queued.fate);
        let verdict = queued.verdict().await.map_err(store_error)?;
        self.outcome(verdict, events, streams, rider).await
    }

    /// What the writer's verdict means for the caller; `None` after a lost race.
    async fn outcome(
        &self,
        verdict: Verdict,
        events: Vec<Envelope>,
        streams: &[(String, String)],
        rider: &Rider,
    ) -> Result<Option<Committed>, CommandError> {
        match verdict {
            Verdict::Appended { first: Some(first) } => Ok(Some(committed(events, first))),
            Verdict::Already { first: Some(first), .. } => {
                let last = first + i64::try_from(events.len()).unwrap_or(0) - 1;
                let stored = read::range(&self.pool, first, last).await?;
                Ok(Some(Committed { position: last, events: stored }))
            }
            Verdict::Appended { first: None } | Verdict::Already { first: None, .. } => {
                self.unchanged(streams).await.map(Some)
            }
            Verdict::Conflict => Ok(None),
            Verdict::ClaimTaken { scope, key } => Err(CommandError::ClaimTaken { scope, key }),
            // The record may have expired since; then the next attempt finds the key free.
            Verdict::KeyUsed => match self.stored_answer(rider).await? {
                Some(used) => Err(used),
                None => Ok(None),
            },
        }
    }

    /// On cached states first. What the append cannot check is decided again on what is committed: a refusal, and
    /// a stream that gets no event.
    async fn decide(
        &self,
        wanted: Wanted<'_>,
        context: &Context,
        recorded_at: time::OffsetDateTime,
        turn: &Turn<'_>,
    ) -> Result<Unit<'_>, CommandError> {
        let unit = |from| {
            let (states, loader, epoch) = (&self.desk.states, &self.desk.loader, self.writer.epoch());
            let sources = Sources { states, loader, from, epoch, on_their_way: turn.on_their_way() };
            Unit::new(sources, context.metadata(), recorded_at)
        };
        let mut guess = unit(From::Cache);
        let decided = decide_all(&mut guess, wanted).await;
        let checked_by_append = match &decided {
            Ok(()) => !guess.is_unchecked(),
            Err(CommandError::Refused(_) | CommandError::Changed { .. }) => !guess.is_guessed(),
            Err(_) => true,
        };
        if checked_by_append {
            return decided.map(|()| guess);
        }
        drop(guess);
        let mut unit = unit(From::Journal);
        match decide_all(&mut unit, wanted).await {
            Ok(()) => Ok(unit),
            Err(error) => {
                unit.keep(None);
                Err(error)
            }
        }
    }

    /// A refused repeat of a request that was answered before gets that answer, not the refusal.
    async fn refused(&self, refused: CommandError, rider: &Rider) -> Result<CommandError, CommandError> {
        Ok(self.stored_answer(rider).await?.unwrap_or(refused))
    }

    async fn stored_answer(&self, rider: &Rider) -> Result<Option<CommandError>, CommandError> {
        let Some(record) = &rider.idempotency else { return Ok(None) };
        let stored = read::answer(&self.pool, &record.scope, &record.key).await?;
        Ok(stored.map(|stored| CommandError::IdempotencyKeyUsed { stored: Box::new(stored) }))
    }

    async fn unchanged(&self, streams: &[(String, String)]) -> Result<Committed, CommandError> {
        let position = read::last_position(&self.pool, streams).await?;
        Ok(Committed { position, events: Vec::new() })
    }
}

async fn decide_all(unit: &mut Unit<'_>, wanted: Wanted<'_>) -> Result<(), CommandError> {
    let mut decided = Ok(());
    for command in wanted.commands {
        decided = unit.decide(command.clone()).await;
        if decided.is_err() {
            break;
        }
    }
    // Before any refusal: who has not seen what there is need not understand it.
    if let (Ok(()) | Err(CommandError::Refused(_)), Some(seen)) = (&decided, wanted.seen)
        && unit.found(seen).is_some_and(|sequence| sequence != seen.sequence)
    {
        let Seen { aggregate_type, aggregate_id, .. } = seen.clone();
        return Err(CommandError::Changed { aggregate_type, aggregate_id });
    }
    decided
}

fn committed(mut events: Vec<Envelope>, first: i64) -> Committed {
    let mut position = first - 1;
    for event in &mut events {
        position += 1;
        event.position = position;
    }
    Committed { position, events }
}

fn store_error(error: WriteError) -> CommandError {
    match error {
        WriteError::Busy => CommandError::Busy,
        WriteError::Refused(_)
        | WriteError::Unavailable(_)
        | WriteError::Unknown(_)
        | WriteError::Stopped => CommandError::Store(error),
    }
}

/// Random, so that those who lost together do not meet again.
fn pause(attempt: u32) -> Duration {
    let longest = PAUSE_FIRST.saturating_mul(1 << attempt.min(16)).min(PAUSE_MAX);
    rand::random_range(Duration::ZERO..=longest)
}
