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

/// What `cqrs_es` wants of an aggregate, forwarded to [`Decide`].
macro_rules! aggregate {
    ($name:ident, $type:literal, $command:ident, $event:ident, $refusal:ident) => {
        impl cqrs_es::Aggregate for $name {
            const TYPE: &'static str = $type;
            type Command = $command;
            type Event = $event;
            type Error = $refusal;
            type Services = ();

            async fn handle(
                &mut self,
                command: $command,
                (): &(),
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), $refusal> {
                for event in $crate::Decide::decide(self, command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: $event) {
                $crate::Decide::evolve(self, event);
            }
        }
    };
}

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

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An aggregate that decides without side effects: time and ids arrive in the command.
///
/// `cqrs_es::Aggregate` of each only forwards to these two.
pub trait Decide: cqrs_es::Aggregate<Services = ()> + Clone {
    /// Takes over what has happened; only assigns.
    fn evolve(&mut self, event: Self::Event);

    /// What happens, or why not. A repeated command answers no events.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// Brings a stored payload of an older version to the newest one; every event is at its first version
    /// until an aggregate says otherwise. Stored rows are never rewritten. What is at the newest version already
    /// does not come here.
    fn upcast(_event_type: &str, _event_version: &str, payload: Value) -> Value {
        payload
    }

    /// Reads a stored payload: at once where it is of today's shape, through [`Self::upcast`] where it is not.
    fn decode(
        event_type: &str,
        event_version: &str,
        payload: &str,
    ) -> Result<Self::Event, serde_json::Error> {
        if let Ok(event) = serde_json::from_str::<Self::Event>(payload)
            && event.event_version() == event_version
            && event.event_type() == event_type
        {
            return Ok(event);
        }
        serde_json::from_value(Self::upcast(event_type, event_version, serde_json::from_str(payload)?))
    }
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
