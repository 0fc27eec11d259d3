//! Mail that was accepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::mail::{Mail, Received};
use crate::store;

/// Everything that was accepted since the last clearing.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Oldest first.
    pub mails: Vec<Arc<Mail>>,
    /// How often each Message-ID was accepted.
    pub counts: BTreeMap<String, u32>,
    /// Ids go on after clearing.
    pub(super) last_id: u64,
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A message was accepted.
    Received(Received),
    /// The mailbox was emptied.
    Cleared,
}

impl store::Ledger for Ledger {
    type Change = Change;

    fn apply(&mut self, change: Change) {
        match change {
            Change::Received(received) => {
                self.last_id = received.id;
                let mail = Mail::read(received);
                *self.counts.entry(mail.message_id.clone()).or_default() += 1;
                self.mails.push(Arc::new(mail));
            }
            Change::Cleared => {
                self.mails.clear();
                self.counts.clear();
            }
        }
    }
}

impl Ledger {
    /// A mail by its number here.
    pub fn mail(&self, id: u64) -> Option<Arc<Mail>> {
        self.mails.iter().find(|mail| mail.id == id).cloned()
    }
}
