//! Runs a flow: hears each event of its interest at least once, does each of its actions once.
//!
//! `JetStream` only brings the news. What was done is known from the inbox, and what was missed from the journal
//! (`self_check`), so a lost, doubled or reordered message changes nothing.

mod policy;
pub mod replays;
mod self_check;
mod session;

pub use policy::Policy;

use crate::action::Action;
use crate::effects::{EffectError, Effects, Origin, Verdict};
use crate::flows::{Flow, Heard, Timing};
use domain::Envelope;
use futures::future::join_all;
use journal::dead_letters::{self, Failure};
use journal::inbox::{self, InboxState, Step};
use journal::progress;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// A flow with everything that it needs to run.
pub struct Runner {
    flow: Flow,
    effects: Arc<Effects>,
    timing: Timing,
    policy: Policy,
    /// Events that are not to be touched: under way, or waiting for their next attempt. So a redelivery and the
    /// self-check never meet, and neither burns the attempts of the other.
    held: Mutex<HashMap<i64, Hold>>,
    /// Events that are handled at the same time, whoever brought them.
    room: Arc<Semaphore>,
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// Every action is done, or in the hands of an operator.
    Done,
    /// Ask again after this long.
    Later(Duration),
}

/// The store did not answer; the event is heard again later.
#[derive(Debug, thiserror::Error)]
#[error("the inbox of {flow} could not be used")]
pub struct InboxError {
    flow: &'static str,
    #[source]
    source: sqlx::Error,
}

impl Runner {
    pub fn new(flow: Flow, effects: Arc<Effects>, timing: Timing, policy: Policy) -> Self {
        let room = Arc::new(Semaphore::new(policy.concurrency));
        Self { flow, effects, timing, policy, held: Mutex::default(), room }
    }

    pub fn name(&self) -> &'static str {
        self.flow.name
    }

    /// Handles an event that was heard, however often it is heard.
    pub async fn handle(&self, envelope: &Envelope) -> Result<Handled, InboxError> {
        let position = envelope.position;
        if let Some(delay) = self.hold(position) {
            return Ok(Handled::Later(delay));
        }
        let mut release = Release { runner: self, position, next: None };
        let result = self.handle_held(envelope).await;
        if let Ok(Handled::Later(delay)) = &result {
            release.next = Some(Hold::Until(Instant::now() + *delay));
        }
        result
    }

    /// Waits until another event may be handled.
    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        // Never closed.
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// What is not to be touched now.
    fn held(&self) -> Vec<i64> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        held.iter().filter(|(_, hold)| hold.lasts(now)).map(|(position, _)| *position).collect()
    }

    /// Takes the event, or answers how long it is not to be touched.
    fn hold(&self, position: i64) -> Option<Duration> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match held.get(&position).filter(|hold| hold.lasts(now)) {
            Some(Hold::UnderWay) => Some(self.policy.first),
            Some(Hold::Until(time)) => Some(*time - now),
            None => {
                held.insert(position, Hold::UnderWay);
                None
            }
        }
    }

    async fn handle_held(&self, envelope: &Envelope) -> Result<Handled, InboxError> {
        let position = envelope.position;
        let store = |source| InboxError { flow: self.flow.name, source };
        let pool = &self.effects.pool;
        if progress::is_handled(pool, self.flow.name, position).await.map_err(store)? {
            return Ok(Handled::Done);
        }
        let steps = self.actions(envelope).await.map_err(store)?;
        let steps = steps.iter().enumerate().map(|(index, action)| self.step(envelope, index, action));
        let mut later: Option<Duration> = None;
        for result in join_all(steps).await {
            if let Handled::Later(delay) = result.map_err(store)? {
                later = Some(later.map_or(delay, |known| known.min(delay)));
            }
        }
        if let Some(delay) = later {
            return Ok(Handled::Later(delay));
        }
        progress::mark_handled(pool, self.flow.name, position).await.map_err(store)?;
        Ok(Handled::Done)
    }

    /// The flow's answer; an event that cannot be read is for an operator.
    async fn actions(&self, envelope: &Envelope) -> Result<Vec<Action>, sqlx::Error> {
        match self.reaction(envelope) {
            Ok(actions) => Ok(actions),
            Err(error) => {
                self.bury(envelope.position, 0, &Value::Null, &error, 1).await?;
                Ok(vec![])
            }
        }
    }

    fn reaction(&self, envelope: &Envelope) -> Result<Vec<Action>, String> {
        let aggregate = Uuid::parse_str(&envelope.aggregate_id);
        match (envelope.decode(), aggregate) {
            (Ok(event), Ok(aggregate)) => {
                Ok((self.flow.react)(Heard { aggregate, event: &event }, &self.timing))
            }
            (Err(error), _) => Err(chain(&error)),
            (Ok(_), Err(_)) => Err("the aggregate's id is no UUID".into()),
        }
    }

    async fn step(&self, envelope: &Envelope, index: usize, action: &Action) -> Result<Handled, sqlx::Error> {
        let action_index = i32::try_from(index).unwrap_or(i32::MAX);
        let step = Step { saga: self.flow.name, position: envelope.position, action_index };
        let attempts = {
            let mut connection = self.effects.pool.acquire().await?;
            match inbox::begin(&mut connection, step).await? {
                InboxState::Done { .. } => return Ok(Handled::Done),
                InboxState::New => 1,
                InboxState::Started { attempts } => attempts,
            }
        };
        let origin = self.origin(envelope, index, attempts);
        match self.effects.run(action, &origin).await {
            Ok(outcome) => self.finish(step, &outcome).await,
            Err(error) => self.failed(step, action, &origin, attempts, error).await,
        }
    }

    async fn failed(
        &self,
        step: Step<'_>,
        action: &Action,
        origin: &Origin,
        attempts: i32,
        error: EffectError,
    ) -> Result<Handled, sqlx::Error> {
        let text = chain(&error);
        let verdict = error.verdict();
        inbox::record_failure(&self.effects.pool, step, may_have_acted(&error)).await?;
        tracing::warn!(
            saga.name = self.flow.name,
            event.position = step.position,
            action.index = step.action_index,
            attempt = attempts,
            ?verdict,
            error = text,
            "a step failed"
        );
        if let Verdict::Retry { after } = verdict
            && attempts < self.policy.attempts_max
        {
            return Ok(Handled::Later(self.policy.delay(attempts, after)));
        }
        let answered = match self.effects.give_up(action, origin).await {
            Ok(answered) => answered,
            Err(second) => {
                tracing::error!(
                    saga.name = self.flow.name,
                    error = chain(&second),
                    "giving up failed as well"
                );
                None
            }
        };
        // What only ran out of patience has its answer; anything else is for an operator as well.
        if let (Verdict::Retry { .. }, Some(outcome)) = (verdict, &answered) {
            return self.finish(step, outcome).await;
        }
        let action = serde_json::to_value(action).unwrap_or(Value::Null);
        self.bury(step.position, step.action_index, &action, &text, attempts).await?;
        self.finish(step, &json!({ "dead_letter": true, "answered": answered })).await
    }

    async fn finish(&self, step: Step<'_>, outcome: &Value) -> Result<Handled, sqlx::Error> {
        inbox::finish(&self.effects.pool, step, outcome).await?;
        Ok(Handled::Done)
    }

    async fn bury(
        &self,
        position: i64,
        action_index: i32,
        action: &Value,
        error: &str,
        attempts: i32,
    ) -> Result<(), sqlx::Error> {
        tracing::error!(
            saga.name = self.flow.name,
            event.position = position,
            action.index = action_index,
            error,
            "dead letter: an operator must look at it"
        );
        let failure = Failure {
            id: dead_letters::id_of(self.flow.name, position, action_index),
            flow: self.flow.name,
            position: Some(position),
            action_index,
            action,
            error,
            attempts,
            at: self.effects.clock.now(),
        };
        dead_letters::record(&self.effects.pool, &failure).await
    }

    fn origin(&self, envelope: &Envelope, index: usize, attempts: i32) -> Origin {
        Origin {
            flow: self.flow.name,
            position: envelope.position,
            index,
            recorded_at: envelope.recorded_at,
            correlation_id: envelope.correlation_id(),
            attempt: u32::try_from(attempts).unwrap_or(1),
        }
    }
}

/// Whether the world outside may have changed although the step failed.
fn may_have_acted(error: &EffectError) -> bool {
    matches!(error, EffectError::Call(call) if call.is_ambiguous())
}

/// An error with all its causes, for the log and the dead letter.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Why an event is not to be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    UnderWay,
    Until(Instant),
}

impl Hold {
    fn lasts(self, now: Instant) -> bool {
        match self {
            Self::UnderWay => true,
            Self::Until(time) => time > now,
        }
    }
}

/// Lets the event go when the handling ends, by a panic as well.
struct Release<'a> {
    runner: &'a Runner,
    position: i64,
    next: Option<Hold>,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        let mut held = self.runner.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.position);
        held.extend(self.next.map(|hold| (self.position, hold)));
    }
}
