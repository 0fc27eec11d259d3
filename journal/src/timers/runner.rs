//! Fires due timers, each as one command. One owner in all processes.

use super::{Due, due, mark_fired, postpone};
use crate::clock::Clock;
use crate::commands::{CommandError, Commands};
use crate::context::{Context, Rider};
use crate::dead_letters::{self, Failure};
use crate::owner::{self, Owned};
use domain::Command;
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Name of the lock, and the flow of timers' dead letters.
pub const NAME: &str = "timers";
/// How late a timer may be noticed.
const POLL: Duration = Duration::from_millis(250);
const DUE_TIMERS_MAX: i64 = 100;
/// Failed attempts after which a timer becomes a dead letter.
pub const ATTEMPTS_MAX: i32 = 8;
/// Delay after the first failed attempt; doubles up to [`DELAY_MAX`].
const DELAY_FIRST: time::Duration = time::Duration::seconds(1);
const DELAY_MAX: time::Duration = time::Duration::minutes(5);

/// Runs until `stop`; takes the lock again whenever its connection breaks.
pub async fn run(pool: PgPool, commands: Commands, clock: Clock, stop: CancellationToken) {
    while let Some(mut owned) = owner::acquire(&pool, NAME, &stop).await {
        match stop.run_until_cancelled(fire_as_owner(&mut owned, &commands, &clock)).await {
            None => {
                owned.release().await;
                return;
            }
            Some(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "timers lost their connection");
            }
        }
    }
}

/// Ends only with an error of its connection.
async fn fire_as_owner(owned: &mut Owned, commands: &Commands, clock: &Clock) -> sqlx::Error {
    loop {
        match fire_due(owned, commands, clock).await {
            // A full page: there may be more.
            Ok(fired) if fired == usize::try_from(DUE_TIMERS_MAX).unwrap_or(usize::MAX) => {}
            Ok(_) => {
                tokio::select! {
                    () = tokio::time::sleep(POLL) => {}
                    () = clock.moved() => {}
                }
            }
            Err(error) => return error,
        }
    }
}

/// Fires what is due now, and answers how many were tried.
async fn fire_due(owned: &mut Owned, commands: &Commands, clock: &Clock) -> Result<usize, sqlx::Error> {
    let timers = due(owned.connection(), clock.now(), DUE_TIMERS_MAX).await?;
    for timer in &timers {
        fire(owned, commands, clock, timer).await?;
    }
    Ok(timers.len())
}

async fn fire(owned: &mut Owned, commands: &Commands, clock: &Clock, timer: &Due) -> Result<(), sqlx::Error> {
    let (command, context) = match read(timer) {
        Ok(read) => read,
        // It will not become readable by waiting.
        Err(error) => return bury(owned, clock, timer, None, &error.to_string()).await,
    };
    match commands.execute(vec![command], &context, Rider::default()).await {
        Ok(_) => mark_fired(owned.connection(), timer.id, "committed", clock.now()).await,
        Err(CommandError::Refused(refusal)) => {
            mark_fired(owned.connection(), timer.id, refusal.code(), clock.now()).await
        }
        Err(error) => {
            let text = chain(&error);
            if timer.attempts + 1 >= ATTEMPTS_MAX {
                return bury(owned, clock, timer, context.causation_position, &text).await;
            }
            let delay = (DELAY_FIRST * 2_i32.pow(timer.attempts.clamp(0, 16).unsigned_abs())).min(DELAY_MAX);
            tracing::warn!(timer.id = %timer.id, attempt = timer.attempts + 1, error = %text, "a timer failed");
            postpone(owned.connection(), timer.id, &text, clock.now() + delay).await
        }
    }
}

/// The command as it will be executed: its id is the timer's, so that a second firing finds the first.
fn read(timer: &Due) -> Result<(Command, Context), serde_json::Error> {
    let command = serde_json::from_value(timer.command.clone())?;
    let context: Context = serde_json::from_value(timer.context.clone())?;
    Ok((command, Context { command_id: timer.id, ..context }))
}

/// Into the dead letters, in one transaction with the end of the timer.
async fn bury(
    owned: &mut Owned,
    clock: &Clock,
    timer: &Due,
    position: Option<i64>,
    error: &str,
) -> Result<(), sqlx::Error> {
    tracing::error!(timer.id = %timer.id, attempt = timer.attempts + 1, error, "a timer is a dead letter");
    let failure = Failure {
        id: timer.id,
        flow: NAME,
        position,
        action_index: 0,
        action: &serde_json::json!({ "command": timer.command, "context": timer.context }),
        error,
        attempts: timer.attempts + 1,
        at: clock.now(),
    };
    let mut transaction = sqlx::Connection::begin(owned.connection()).await?;
    dead_letters::record(&mut *transaction, &failure).await?;
    mark_fired(&mut *transaction, timer.id, "dead_letter", clock.now()).await?;
    transaction.commit().await
}

/// An error with its causes, for a row that a person reads.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
