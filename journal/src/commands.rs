//! The only door for writes: loads, decides, commits, and repeats what lost a race.

use crate::clock::Clock;
use crate::context::{Context, Rider};
use crate::gate::Gates;
use crate::load::{self, LoadError};
use crate::prepare::{self, PrepareError};
use crate::read::{self, ReadError, StoredAnswer};
use crate::unit::{Unit, stream_of};
use crate::writer::{Verdict, WriteError, Writer};
use domain::{Command, Decide, Envelope, Refusal};
use postgres_es::PostgresEventRepository;
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

/// Executes commands; clones share the writer.
#[derive(Clone)]
pub struct Commands {
    pool: PgPool,
    repository: Arc<PostgresEventRepository>,
    writer: Writer,
    gates: Arc<Gates>,
    clock: Clock,
}

impl Commands {
    pub fn new(pool: PgPool, writer: Writer, clock: Clock) -> Self {
        let repository = Arc::new(PostgresEventRepository::new(pool.clone()));
        Self { pool, repository, writer, gates: Arc::new(Gates::new()), clock }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The folded state of one aggregate; the default of an unknown id.
    pub async fn state<A: Decide>(&self, id: &str) -> Result<A, CommandError> {
        Ok(load::load::<A>(&self.repository, id).await?.state)
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
        let owner = stream_of(commands.first().ok_or(CommandError::Empty)?);
        // A turn is taken only where somebody lost a race; otherwise nobody waits for anybody.
        let mut turn = None;
        if self.gates.is_contended(&owner) {
            turn = self.gates.turn(&owner).await;
        }
        for attempt in 0..RACES_MAX {
            if let Some(committed) = self.attempt(&commands, &owner, context, &rider).await? {
                return Ok(committed);
            }
            tracing::debug!(command.id = %context.command_id, attempt, "lost the race for a stream");
            if turn.is_none() {
                turn = self.gates.turn(&owner).await;
            } else {
                // Lost to another process, or to a unit that began with another stream.
                tokio::time::sleep(pause(attempt)).await;
            }
        }
        Err(CommandError::Contended { attempts: RACES_MAX })
    }

    /// `None` after a lost race.
    async fn attempt(
        &self,
        commands: &[Command],
        owner: &(String, String),
        context: &Context,
        rider: &Rider,
    ) -> Result<Option<Committed>, CommandError> {
        let recorded_at = self.clock.now();
        let events = match self.decide(commands, context, recorded_at).await {
            Ok(events) => events,
            Err(refused @ CommandError::Refused(_)) => return Err(self.refused(refused, rider).await?),
            Err(error) => return Err(error),
        };
        // A claim without an event would be taken by nothing: a number burnt, a name lost.
        let bare = events.is_empty().then(|| rider.without_claims());
        let rider = bare.as_ref().unwrap_or(rider);
        if events.is_empty() && rider.is_empty() {
            return self.unchanged(commands).await.map(Some);
        }
        let append = prepare::append(&events, owner, context, rider, recorded_at)?;
        match self.writer.append(append).await.map_err(store_error)? {
            Verdict::Appended { first: Some(first) } => Ok(Some(committed(events, first))),
            Verdict::Already { first: Some(first) } => {
                let last = first + i64::try_from(events.len()).unwrap_or(0) - 1;
                let stored = read::range(&self.pool, first, last).await?;
                Ok(Some(Committed { position: last, events: stored }))
            }
            Verdict::Appended { first: None } | Verdict::Already { first: None } => {
                self.unchanged(commands).await.map(Some)
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

    async fn decide(
        &self,
        commands: &[Command],
        context: &Context,
        recorded_at: time::OffsetDateTime,
    ) -> Result<Vec<Envelope>, CommandError> {
        let mut unit = Unit::new(&self.repository, context.metadata(), recorded_at);
        for command in commands {
            unit.decide(command.clone()).await?;
        }
        Ok(unit.events)
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

    async fn unchanged(&self, commands: &[Command]) -> Result<Committed, CommandError> {
        let streams: Vec<_> = commands.iter().map(stream_of).collect();
        let position = read::last_position(&self.pool, &streams).await?;
        Ok(Committed { position, events: Vec::new() })
    }
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
