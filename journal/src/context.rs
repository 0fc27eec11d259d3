//! Where a command comes from, and what travels in the same commit with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The origin of a command; becomes the metadata of each of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The same at every repeat of the command: this is how an unknown commit is found again.
    pub command_id: Uuid,
    /// Runs from the request to the last event that it caused.
    pub correlation_id: Uuid,
    /// The event that led to the command, if one did.
    pub causation_position: Option<i64>,
    /// `account:<id>`, `saga:checkout`, `system:timers`
    pub actor: String,
    /// W3C `traceparent` of the request.
    pub trace: Option<String>,
}

impl Context {
    /// The metadata as it is stored; what is absent has no key.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::from([
            ("command_id".to_owned(), self.command_id.to_string()),
            ("correlation_id".to_owned(), self.correlation_id.to_string()),
            ("actor".to_owned(), self.actor.clone()),
        ]);
        if let Some(position) = self.causation_position {
            map.insert("causation_position".to_owned(), position.to_string());
        }
        if let Some(trace) = &self.trace {
            map.insert("trace".to_owned(), trace.clone());
        }
        map
    }
}

/// Uniqueness across streams: (scope, key) has one owner for ever, the aggregate of the unit's first command.
///
/// Claiming again what the owner holds already is no conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub scope: String,
    pub key: String,
}

/// A stream as its reader saw it: what was decided upon it holds only while it has not grown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub aggregate_type: &'static str,
    pub aggregate_id: String,
    /// Of the last event that was seen.
    pub sequence: i64,
}

/// The answer to a request, stored in the commit of its command so that a repeat gets the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct IdempotencyRecord {
    /// Whose keys these are, for example `account:<id>`.
    pub scope: String,
    pub key: String,
    /// Digest of the request; another one under the same key is a mistake of the client.
    pub fingerprint: String,
    pub answer: Value,
}

/// What stands or falls with the events of a unit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rider {
    pub claims: Vec<Claim>,
    pub idempotency: Option<IdempotencyRecord>,
}

impl Rider {
    /// What may be written although nothing happened.
    pub(crate) fn without_claims(&self) -> Self {
        Self { claims: Vec::new(), idempotency: self.idempotency.clone() }
    }

    pub fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.idempotency.is_none()
    }
}
