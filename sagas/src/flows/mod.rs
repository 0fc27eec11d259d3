//! When X then Y. A flow is a pure table from events to actions; it is called again for a repeated event and
//! must answer the same.
//!
//! | flow | from | to |
//! |---|---|---|
//! | [`checkout`] | a requested payment | paid order with its invoice, or money given back |
//! | [`ai_generation`] | a requested job | pictures, and credits settled |
//! | [`account_mail`] | a registration, a forgotten password, a theft | mails to the account's owner |
//! | [`logins`] | a new password, a granted role | the tables that logins look at |
//! | [`order_mail`] | an issued invoice | the PDF and the confirmation mail |
//! | [`welcome`] | a proven address | the welcome credits |

pub mod account_mail;
pub mod ai_generation;
pub mod checkout;
pub mod logins;
pub mod order_mail;
pub mod welcome;

#[cfg(test)]
mod tests;

use crate::action::Action;
use domain::Event;
use journal::progress::Interest;
use std::time::Duration;
use uuid::Uuid;

/// A decoded event, with the id of the aggregate that it happened to.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    pub aggregate: Uuid,
    pub event: &'a Event,
}

/// Delays of the flows; the same for every event of a running service.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Pauses before each question to the payment provider while a payment is open; the last one repeats.
    pub payment_checks: Vec<Duration>,
    /// Questions before a payment is left to a person.
    pub payment_check_rounds: u32,
    /// Unpaid orders expire after this.
    pub order_expiry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            // Together past the life of the provider's page (30 min), then hourly for a day.
            payment_checks: [1, 2, 5, 10, 15, 60].map(Duration::from_mins).to_vec(),
            payment_check_rounds: 28,
            order_expiry: Duration::from_hours(24),
        }
    }
}

/// A flow: its name, the events it listens to, and its table.
#[derive(Clone, Copy)]
pub struct Flow {
    pub name: &'static str,
    pub interests: &'static [Interest],
    pub react: fn(Heard<'_>, &Timing) -> Vec<Action>,
}

/// Shorthand for the lists of interests.
const fn on(aggregate_type: &'static str, event_type: &'static str) -> Interest {
    Interest { aggregate_type, event_type }
}

impl Flow {
    /// The subjects of the flow's consumer.
    pub fn subjects(&self) -> Vec<String> {
        let subject = |one: &Interest| format!("journal.{}.{}", one.aggregate_type, one.event_type);
        self.interests.iter().map(subject).collect()
    }
}

/// Every flow there is. A new flow is one line here.
pub const ALL: [Flow; 6] =
    [checkout::FLOW, ai_generation::FLOW, account_mail::FLOW, logins::FLOW, order_mail::FLOW, welcome::FLOW];
