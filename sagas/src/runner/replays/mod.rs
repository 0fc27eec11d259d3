//! Replays of dead letters, done by the process that runs the flow: one after the other, each an attempt of its
//! own, under the keys of the step. So what the step has done before is found, and not done again.

mod correction;
mod prospect;
mod words;

pub use correction::{CorrectionError, corrected};
pub use prospect::{Prospect, ProspectError, prospect};

use super::{Handled, Hold, Release, Runner, chain, may_have_acted};
use crate::action::{Action, Call};
use crate::effects::{EffectError, Verdict};
use domain::Envelope;
use journal::dead_letters::{self, Author, DeadLetter, Ended, Replay};
use journal::inbox::{self, Step};
use journal::{CommandError, read};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How late a request may be noticed.
const POLL: Duration = Duration::from_secs(1);
/// Requests that one look takes; the next look takes the next ones.
const WAITING_MAX: i64 = 100;
/// A replay in whose middle the process dies is taken up again this often.
const STARTS_MAX: i32 = 5;

/// The replay could not be looked after; it waits for the next look.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error("the journal could not be read")]
    Read(#[from] read::ReadError),
    #[error("the dead letters could not be kept")]
    Store(#[from] sqlx::Error),
    #[error("the state of the step could not be read")]
    State(#[source] EffectError),
}

/// Until `stop`; a begun replay is let end.
pub(super) async fn run(runner: Arc<Runner>, stop: CancellationToken) {
    let pause = runner.policy.self_check.min(POLL);
    while !stop.is_cancelled() {
        if let Err(error) = once(&runner, &stop).await {
            tracing::warn!(saga.name = runner.name(), error = chain(&error), "replays could not be read");
        }
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

async fn once(runner: &Runner, stop: &CancellationToken) -> Result<(), ReplayError> {
    for replay in dead_letters::waiting(&runner.effects.pool, runner.name(), WAITING_MAX).await? {
        if stop.is_cancelled() {
            break;
        }
        // One that cannot be looked after must not keep the ones behind it waiting.
        if let Err(error) = runner.replay(&replay).await {
            tracing::warn!(
                saga.name = runner.name(),
                dead_letter.id = %replay.letter_id,
                error = chain(&error),
                "a replay waits"
            );
        }
    }
    Ok(())
}

impl Runner {
    async fn replay(&self, replay: &Replay) -> Result<(), ReplayError> {
        let pool = &self.effects.pool;
        let Some(letter) = dead_letters::get(pool, replay.letter_id).await? else { return Ok(()) };
        let Some(position) = letter.position else { return Ok(()) };
        let Some(mut release) = self.hold_for_replay(&letter, position) else { return Ok(()) };
        if self.is_under_way(&letter, position).await? {
            return Ok(());
        }
        // Before the intent: looking changes nothing.
        let prospect = self.prospect_of(&letter).await?;
        let Some(starts) = dead_letters::begin(pool, replay, self.effects.clock.now()).await? else {
            return Ok(());
        };
        let ended = match prospect {
            Ok(prospect) => self.decided(replay, &letter, position, starts, &prospect).await?,
            Err(ended) => Some(ended),
        };
        let Some(ended) = ended else {
            release.next = Some(Hold::Until(Instant::now() + self.policy.delay(starts, None)));
            return Ok(());
        };
        self.end(replay, &letter, &ended).await
    }

    /// The event while nobody else handles it. Another of its steps may wait for its next attempt: that goes on.
    fn hold_for_replay(&self, letter: &DeadLetter, position: i64) -> Option<Release<'_>> {
        let mut held = self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let next = held.get(&position).copied().filter(|hold| hold.lasts(Instant::now()));
        if next.is_some_and(|hold| hold == Hold::UnderWay || letter.action.is_null()) {
            return None;
        }
        held.insert(position, Hold::UnderWay);
        Some(Release { runner: self, position, next })
    }

    /// The letter was written, but its step has not ended: it is taken up again by itself.
    async fn is_under_way(&self, letter: &DeadLetter, position: i64) -> Result<bool, sqlx::Error> {
        let step = Step { saga: self.flow.name, position, action_index: letter.action_index };
        let intent = inbox::get(&self.effects.pool, step).await?;
        Ok(!letter.action.is_null() && intent.is_some_and(|intent| intent.finished_at.is_none()))
    }

    /// What a replay would do; a stream that cannot be read for good ends it.
    async fn prospect_of(&self, letter: &DeadLetter) -> Result<Result<Prospect, Ended>, ReplayError> {
        match prospect(&self.effects.commands, &self.effects.pool, letter).await {
            Ok(prospect) => Ok(Ok(prospect)),
            Err(ProspectError::State(error)) => {
                let error = EffectError::Command(error);
                match error.verdict() {
                    Verdict::Retry { .. } => Err(ReplayError::State(error)),
                    Verdict::DeadLetter => Ok(Err(Ended::Refused(chain(&error)))),
                }
            }
            Err(ProspectError::Store(error)) => Err(error.into()),
        }
    }

    /// `None` while it has to be gone on with later.
    async fn decided(
        &self,
        replay: &Replay,
        letter: &DeadLetter,
        position: i64,
        starts: i32,
        prospect: &Prospect,
    ) -> Result<Option<Ended>, ReplayError> {
        // The steps of an unread event count their own attempts, and each look at them is a start.
        let starts_max = if letter.action.is_null() { i32::MAX } else { STARTS_MAX };
        if starts > starts_max {
            return Ok(Some(Ended::Refused(format!("begun {STARTS_MAX} times without an end"))));
        }
        match prospect {
            Prospect::NothingToDo(words) => {
                return Ok(Some(Ended::NothingToDo(format!("nothing to do: {words}"))));
            }
            Prospect::Unreadable(words) => return Ok(Some(Ended::Refused(words.clone()))),
            // The operator's word was given before this attempt was begun, and broken off.
            Prospect::Unclear(words) if !replay.it_did_not_happen || starts > 1 => {
                return Ok(Some(Ended::Refused(words.clone())));
            }
            Prospect::Unclear(_) | Prospect::Does(_) => {}
        }
        let Some(envelope) = read::event(&self.effects.pool, position).await? else {
            return Ok(Some(Ended::Refused(format!("there is no event at position {position}"))));
        };
        if letter.action.is_null() {
            return self.handle_anew(&envelope, letter).await;
        }
        match serde_json::from_value::<Action>(letter.action.clone()) {
            Ok(action) => self.attempt(&envelope, letter, &action, starts).await.map(Some),
            Err(error) => Ok(Some(Ended::Refused(prospect::unreadable(&error)))),
        }
    }

    async fn attempt(
        &self,
        envelope: &Envelope,
        letter: &DeadLetter,
        action: &Action,
        starts: i32,
    ) -> Result<Ended, ReplayError> {
        if starts > 1 && asks_nobody(action) {
            return Ok(Ended::Refused(prospect::BROKEN_OFF.into()));
        }
        let step =
            Step { saga: self.flow.name, position: envelope.position, action_index: letter.action_index };
        let intent = inbox::get(&self.effects.pool, step).await?;
        let before = intent.map_or(0, |intent| intent.attempts).max(letter.attempts);
        let attempts = before.saturating_add(starts);
        let index = usize::try_from(letter.action_index).unwrap_or(usize::MAX);
        let origin = self.origin(envelope, index, attempts);
        match self.effects.run(action, &origin).await {
            Ok(outcome) => Ok(words::ended(&outcome)),
            Err(EffectError::Command(CommandError::Refused(refusal)))
                if !letter.error.ends_with(&refusal.to_string()) =>
            {
                Ok(Ended::NothingToDo(format!("nothing to do: {refusal}")))
            }
            Err(error) => {
                // As at the end of every step: what can be answered to the customer is answered.
                if let Err(second) = self.effects.give_up(action, &origin).await {
                    tracing::error!(
                        saga.name = self.flow.name,
                        error = chain(&second),
                        "giving up a replay failed as well"
                    );
                }
                let may_have_happened = may_have_acted(&error);
                Ok(Ended::Failed { error: chain(&error), attempts, may_have_happened })
            }
        }
    }

    /// An event that an earlier release could not read: none of its steps was begun.
    async fn handle_anew(
        &self,
        envelope: &Envelope,
        letter: &DeadLetter,
    ) -> Result<Option<Ended>, ReplayError> {
        let actions = match self.reaction(envelope) {
            Ok(actions) => actions,
            Err(error) => return Ok(Some(Ended::Refused(error))),
        };
        for (index, action) in actions.iter().enumerate() {
            if let Handled::Later(_) = self.step(envelope, index, action).await? {
                return Ok(None);
            }
        }
        // The first step has the same letter: if it failed for good, the letter is about it now.
        let now = dead_letters::get(&self.effects.pool, letter.id).await?;
        if now.is_some_and(|now| !now.action.is_null()) {
            return Ok(Some(Ended::Refused("the event can be read now; its first step has failed".into())));
        }
        Ok(Some(Ended::Done(format!("the event was handled anew, in {} steps", actions.len()))))
    }

    async fn end(&self, replay: &Replay, letter: &DeadLetter, ended: &Ended) -> Result<(), ReplayError> {
        let by = format!("saga:{}", self.flow.name);
        let author = Author { by: &by, reason: &replay.reason, at: self.effects.clock.now() };
        let mut connection = self.effects.pool.acquire().await?;
        dead_letters::finish(&mut connection, letter, replay, ended, author).await?;
        tracing::info!(
            saga.name = self.flow.name,
            dead_letter.id = %letter.id,
            replay = replay.replay,
            outcome = ended.words(),
            "a dead letter was replayed"
        );
        Ok(())
    }
}

/// Nobody can be asked whether it happened: a mail that went out cannot be found again.
fn asks_nobody(action: &Action) -> bool {
    matches!(
        action,
        Action::Call {
            call: Call::MailVerification { .. }
                | Call::MailPasswordReset { .. }
                | Call::MailPasswordChanged { .. }
                | Call::MailSessionStolen { .. }
                | Call::MailOrderConfirmation { .. }
                | Call::TextPhoneCode { .. }
        }
    )
}
