//! What the shop knows and decides: aggregates, their commands, events and refusals. No I/O, no clock, no chance.
//!
//! | module | what it is |
//! |---|---|
//! | [`ids`], [`money`] | typed ids and amounts |
//! | [`account`] | a registered person |
//! | [`wallet`] | that person's credits: granted, reserved, captured, released |
//! | [`draft`] | what an order is made from |
//! | [`ai_job`] | one request for AI pictures |
//! | [`order`] | what was bought, and whether it is paid |
//! | [`payment`] | one attempt to pay an order |
//! | [`personal`] | the shapes of what is kept outside the journal |
//! | [`command`] | every command and refusal under one roof |
//! | [`event`] | an event as it stands in the journal, and how it is read back |

pub mod account;
pub mod ai_job;
pub mod command;
pub mod draft;
pub mod event;
#[cfg(test)]
mod fixtures;
pub mod ids;
#[cfg(test)]
mod laws;
pub mod money;
pub mod order;
pub mod payment;
pub mod personal;
pub mod prices;
pub mod wallet;

pub use account::{AccountCommand, AccountEvent};
pub use ai_job::{AiJobCommand, AiJobEvent};
pub use command::{Command, Refusal};
pub use draft::{DraftCommand, DraftEvent};
pub use event::{DecodeError, Envelope, Event};
pub use ids::{AccountId, AiJobId, DraftId, ImageId, OrderId, PaymentId};
pub use money::{Currency, Money};
pub use order::{OrderCommand, OrderEvent};
pub use payment::{PaymentCommand, PaymentEvent};
pub use wallet::{WalletCommand, WalletEvent};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An aggregate that decides without side effects: time and ids arrive in the command.
///
/// `cqrs_es::Aggregate::handle` of each aggregate only forwards to [`Decide::decide`].
pub trait Decide: cqrs_es::Aggregate<Services = ()> + Clone {
    /// What happens, or why not. A repeated command answers no events.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// Brings a stored payload of an older version to the newest one; every event is at its first version
    /// until an aggregate says otherwise. Stored rows are never rewritten.
    fn upcast(_event_type: &str, _event_version: &str, payload: Value) -> Value {
        payload
    }
}

/// What every `cqrs_es::Aggregate::handle` of ours does.
async fn forward<A: Decide>(
    aggregate: &mut A,
    command: A::Command,
    sink: &cqrs_es::event_sink::EventSink<A>,
) -> Result<(), A::Error> {
    for event in aggregate.decide(command)? {
        sink.write(event, aggregate).await;
    }
    Ok(())
}

/// A reference to personal data that is kept outside the journal, and can be erased there.
///
/// `digest` = SHA-256(salt ‖ RFC 8785 JSON of the record), hex. While the record exists it proves that the
/// record was not altered; once record and salt are erased it reveals nothing, and the event stays valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalRef {
    pub id: uuid::Uuid,
    pub digest: String,
}
