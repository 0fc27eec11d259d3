//! What the provider took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Call;
use crate::store;

/// Everything that was sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Calls that arrived, whatever became of them.
    pub calls: BTreeMap<Call, u64>,
}

/// A message that was paid for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// `SM` and 32 hex digits.
    pub sid: String,
    /// The phone.
    pub to: String,
    /// The sender.
    pub from: String,
    /// The text.
    pub body: String,
    /// Parts that are billed.
    pub segments: usize,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A call arrived.
    Called(Call),
    /// A message was sent.
    Sent(Message),
}

impl store::Ledger for Ledger {
    type Change = Change;

    fn apply(&mut self, change: Change) {
        match change {
            Change::Called(call) => *self.calls.entry(call).or_default() += 1,
            Change::Sent(message) => self.messages.push(message),
        }
    }
}
