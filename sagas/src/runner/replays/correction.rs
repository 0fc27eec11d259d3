//! What may be corrected in a dead letter: only what its event did not fix. Amounts, ids and commands follow from
//! the event; what is left is the spelling of another release, and the delay of a timer that is not set yet.

use crate::action::Action;
use crate::flows::{self, Heard, Timing};
use domain::{Command, Envelope, ids};
use journal::dead_letters::DeadLetter;
use journal::timers::runner as timers;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// A timer further away than this is a slip of the pen.
const DELAY_MAX: Duration = Duration::from_hours(30 * 24);

/// Why a correction is refused.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    #[error("this release cannot read the corrected action: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("its event cannot be read, so nobody can say what the action should be; a replay reads it anew")]
    NoEvent,
    #[error("the flow asks for no such step after this event")]
    NoStep,
    #[error(
        "only what the event did not fix can be corrected: the spelling of another release, and the delay of a \
         timer. Amounts, ids and commands follow from the event, which says {0}. Address and name of a mail are \
         read from the account when it is sent: mend them there, and replay"
    )]
    Fixed(Value),
    #[error("a delay is at most 30 days")]
    Delay,
    #[error("it is what stands there already")]
    Unchanged,
}

/// Proves that `wanted` may stand in the letter.
pub fn corrected(
    letter: &DeadLetter,
    event: Option<&Envelope>,
    wanted: &Value,
) -> Result<(), CorrectionError> {
    if *wanted == letter.action {
        return Err(CorrectionError::Unchanged);
    }
    let event = event.ok_or(CorrectionError::NoEvent)?;
    if letter.flow == timers::NAME {
        return timer(letter, event, wanted);
    }
    let wanted: Action = serde_json::from_value(wanted.clone())?;
    let index = usize::try_from(letter.action_index).unwrap_or(usize::MAX);
    let steps = steps(&letter.flow, event)?;
    let fixed = steps.get(index).ok_or(CorrectionError::NoStep)?;
    match (&wanted, fixed) {
        (Action::After { delay, command }, Action::After { command: known, .. }) if command == known => {
            if *delay > DELAY_MAX {
                Err(CorrectionError::Delay)
            } else {
                Ok(())
            }
        }
        (wanted, fixed) if wanted == fixed => Ok(()),
        (_, fixed) => Err(CorrectionError::Fixed(serde_json::to_value(fixed)?)),
    }
}

/// A timer's id says which step has set it, and so which command it carries.
fn timer(letter: &DeadLetter, event: &Envelope, wanted: &Value) -> Result<(), CorrectionError> {
    let command: Command = serde_json::from_value(wanted["command"].clone())?;
    for flow in flows::ALL {
        for (index, step) in steps(flow.name, event)?.into_iter().enumerate() {
            let Action::After { command: known, .. } = step else { continue };
            if timer_id(flow.name, event.position, index) != letter.id {
                continue;
            }
            if command == known && wanted["context"] == letter.action["context"] {
                return Ok(());
            }
            return Err(CorrectionError::Fixed(serde_json::to_value(known)?));
        }
    }
    Err(CorrectionError::NoStep)
}

/// As `Origin::key` makes it.
fn timer_id(flow: &str, position: i64, index: usize) -> Uuid {
    ids::derived(&[flow, &position.to_string(), &index.to_string(), "timer"])
}

/// What the flow answers to the event; delays aside, it is the same under every configuration.
fn steps(flow: &str, event: &Envelope) -> Result<Vec<Action>, CorrectionError> {
    let flow = flows::ALL.into_iter().find(|known| known.name == flow).ok_or(CorrectionError::NoStep)?;
    let hears = |interest: &journal::progress::Interest| {
        interest.aggregate_type == event.aggregate_type && interest.event_type == event.event_type
    };
    if !flow.interests.iter().any(hears) {
        return Ok(vec![]);
    }
    let decoded = event.decode().map_err(|_| CorrectionError::NoEvent)?;
    let aggregate = Uuid::parse_str(&event.aggregate_id).map_err(|_| CorrectionError::NoEvent)?;
    Ok((flow.react)(Heard { aggregate, event: &decoded }, &Timing::default()))
}

#[cfg(test)]
mod tests;
