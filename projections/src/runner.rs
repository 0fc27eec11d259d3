//! Keeps all read models up to date: one task, one connection, one decoding of each event.
//!
//! Rows and checkpoints commit together (see `live.rs`) and without waiting for the disk, since a crash only replays
//! them.

use crate::kept::Kept;
use crate::live::{self, CommitError, Live};
use crate::model::ReadModel;
use crate::page::{self, Entry, PAGE_EVENTS};
use crate::skips;
use crate::status::{self, State};
use crate::table::{ApplyError, Schema, Table};
use journal::read::ReadError;
use journal::{Wake, checkpoint};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Only one process keeps the read models; this is its lock.
const OWNER: &str = "projections";
/// Pause before a new connection after the database failed.
const RETRY: Duration = Duration::from_secs(1);
/// How often stopped and outdated read models are looked at again.
const RECHECK: Duration = Duration::from_secs(2);

/// Runs until `stop` is cancelled. A read model that meets an event it cannot apply stops; the others go on.
pub async fn run(pool: PgPool, wake: Wake, stop: CancellationToken) {
    run_announcing(pool, wake, watch::Sender::new(0), stop).await;
}

/// The same; `moved` gets the foremost position after each commit, so that whoever waits for one need not poll.
pub async fn run_announcing(
    pool: PgPool,
    mut wake: Wake,
    moved: watch::Sender<i64>,
    stop: CancellationToken,
) {
    while let Some(mut owned) = journal::owner::acquire(&pool, OWNER, &stop).await {
        let session = session(owned.connection(), &mut wake, &moved);
        let Some(Err(error)) = stop.run_until_cancelled(session).await else {
            owned.release().await;
            return;
        };
        tracing::warn!(error = &error as &dyn Error, "projections pause");
        drop(owned);
        if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
            return;
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

struct Session<'c> {
    connection: &'c mut PgConnection,
    live: Vec<Live>,
    /// Read models that wait for somebody.
    idle: usize,
    checked_at: Instant,
}

async fn session(
    connection: &mut PgConnection,
    wake: &mut Wake,
    moved: &watch::Sender<i64>,
) -> Result<Infallible, RunError> {
    checkpoint::commit_lazily_always(connection).await?;
    status::start_all(connection).await?;
    let mut session = Session { connection, live: Vec::new(), idle: 0, checked_at: Instant::now() };
    session.reload().await?;
    loop {
        if session.idle > 0 && session.checked_at.elapsed() >= RECHECK {
            session.reload().await?;
        }
        let advanced = session.advance().await?;
        let foremost = session.live.iter().map(|live| live.position).max();
        if advanced {
            moved.send_replace(foremost.unwrap_or(0));
        } else {
            wake.beyond(foremost.unwrap_or(i64::MAX)).await;
        }
    }
}

impl Session<'_> {
    /// Reads positions and states anew.
    async fn reload(&mut self) -> Result<(), sqlx::Error> {
        let stored = status::stored(self.connection).await?;
        let before = self.live.len();
        self.idle = 0;
        self.checked_at = Instant::now();
        self.live.clear();
        for (model, stored) in stored {
            match stored.state(model) {
                State::Live => {
                    let table = Table::new(self.connection, model, Schema::Read).await?;
                    let skips = skips::all(&mut *self.connection, model.name).await?;
                    let (position, generation) = (stored.position, stored.generation);
                    let kept = Kept::default();
                    self.live.push(Live { table, skips, position, generation, kept });
                }
                State::Outdated { version } => {
                    if before == 0 {
                        tracing::error!(projection.name = model.name, version, "outdated: rebuild it");
                    }
                    self.idle += 1;
                }
                State::Stopped { .. } | State::New => self.idle += 1,
            }
        }
        Ok(())
    }

    /// One page for each group of read models that stand at the same position, the foremost first, so that one
    /// that catches up holds nobody back. Answers whether there was anything.
    async fn advance(&mut self) -> Result<bool, RunError> {
        let starts: BTreeSet<i64> = self.live.iter().map(|live| live.position).collect();
        let mut next_ahead = None;
        let mut any = false;
        for start in starts.into_iter().rev() {
            let limit = next_ahead.map_or(PAGE_EVENTS, |ahead: i64| (ahead - start).min(PAGE_EVENTS));
            next_ahead = Some(start);
            any |= self.advance_from(start, limit).await?;
        }
        Ok(any)
    }

    async fn advance_from(&mut self, start: i64, limit: i64) -> Result<bool, RunError> {
        let names: Vec<&'static str> = self
            .live
            .iter()
            .filter(|live| live.position == start)
            .map(|live| live.table.model.name)
            .collect();
        let models = names.iter().filter_map(|name| ReadModel::named(name));
        let wanted = page::wanted(models);
        let entries = match page::read(&mut *self.connection, &wanted, start, limit).await {
            Ok(entries) if entries.is_empty() => return Ok(false),
            Ok(entries) => entries,
            Err(gap @ ReadError::Gap { expected, .. }) => {
                for name in names {
                    self.stop(name, expected, &gap).await?;
                }
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
        };
        match self.commit(&names, &entries).await {
            Ok(()) => self.stop_unreadable(&names, &entries).await?,
            Err(CommitError::Moved) => self.reload().await?,
            Err(CommitError::Apply(error)) if error.is_poison() => {
                for name in names {
                    self.one_by_one(name, &entries).await?;
                }
            }
            Err(CommitError::Apply(ApplyError::Database(error))) => return Err(error.into()),
            Err(CommitError::Apply(ApplyError::Row(_))) => {}
        }
        Ok(true)
    }

    async fn commit(&mut self, names: &[&str], entries: &[Entry]) -> Result<(), CommitError> {
        let group = self.live.iter_mut().filter(|live| names.contains(&live.table.model.name));
        live::commit(self.connection, group, entries).await
    }

    /// Finds the event that a read model cannot apply, keeps everything before it, and stops there.
    async fn one_by_one(&mut self, name: &str, entries: &[Entry]) -> Result<(), RunError> {
        for entry in entries {
            match self.commit(&[name], std::slice::from_ref(entry)).await {
                Ok(()) => {}
                Err(CommitError::Moved) => return Ok(self.reload().await?),
                Err(CommitError::Apply(error)) if error.is_poison() => {
                    return Ok(self.stop(name, entry.place.position, &error).await?);
                }
                Err(CommitError::Apply(ApplyError::Database(error))) => return Err(error.into()),
                Err(CommitError::Apply(ApplyError::Row(_))) => {}
            }
        }
        self.stop_unreadable(&[name], entries).await
    }

    async fn stop_unreadable(&mut self, names: &[&str], entries: &[Entry]) -> Result<(), RunError> {
        let blocked: Vec<_> = (self.live.iter())
            .filter(|live| names.contains(&live.table.model.name))
            .filter_map(|live| {
                let error = page::portion(entries, live.table.model, live.position, &live.skips).unreadable?;
                Some((live.table.model.name, error))
            })
            .collect();
        for (name, error) in blocked {
            self.stop(name, error.position, error).await?;
        }
        Ok(())
    }

    async fn stop(
        &mut self,
        name: &str,
        position: i64,
        error: &(dyn Error + Send + Sync + 'static),
    ) -> Result<(), sqlx::Error> {
        let Some(live) = self.live.iter().find(|live| live.table.model.name == name) else { return Ok(()) };
        let believed = (live.position, live.generation);
        if !status::stop(&mut *self.connection, name, believed, position, &causes(error)).await? {
            return self.reload().await;
        }
        tracing::error!(
            projection.name = name,
            event.position = position,
            error = error as &dyn Error,
            "projection stopped"
        );
        self.live.retain(|live| live.table.model.name != name);
        self.idle += 1;
        Ok(())
    }
}

/// The error and what is behind it, on one line.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
