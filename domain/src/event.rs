//! An event as it stands in the journal, and its way back into the types of the aggregates.

use crate::{
    AccountEvent, AiJobEvent, Decide, DraftEvent, OrderEvent, PaymentEvent, WalletEvent, account::Account,
    ai_job::AiJob, draft::Draft, order::Order, payment::Payment, wallet::Wallet,
};
use cqrs_es::Aggregate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// One row of the journal. `payload` and `metadata` are what was stored; nothing here is upcast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Place in the journal: 1, 2, 3 … without a gap, in commit order.
    pub position: i64,
    pub aggregate_type: String,
    pub aggregate_id: String,
    /// Place in the aggregate's own stream, from 1.
    pub sequence: i64,
    pub event_type: String,
    pub event_version: String,
    pub payload: Value,
    pub metadata: BTreeMap<String, String>,
    /// The writer's clock; information, never order.
    #[serde(with = "time::serde::rfc3339")]
    pub recorded_at: OffsetDateTime,
}

/// An event that this release cannot read; stops its reader with the position.
#[derive(Debug, thiserror::Error)]
#[error("event {position} ({aggregate_type}.{event_type} v{event_version}) cannot be read")]
pub struct DecodeError {
    pub position: i64,
    pub aggregate_type: String,
    pub event_type: String,
    pub event_version: String,
    #[source]
    pub source: Option<serde_json::Error>,
}

/// A decoded event of any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Account(AccountEvent),
    Wallet(WalletEvent),
    Draft(DraftEvent),
    AiJob(AiJobEvent),
    Order(OrderEvent),
    Payment(PaymentEvent),
}

impl Event {
    /// Reads a payload as it is stored. The error is `None` for an aggregate that this release does not know.
    pub fn read(
        aggregate_type: &str,
        event_type: &str,
        event_version: &str,
        payload: &str,
    ) -> Result<Self, Option<serde_json::Error>> {
        let read = match aggregate_type {
            Account::TYPE => Account::decode(event_type, event_version, payload).map(Self::Account),
            Wallet::TYPE => Wallet::decode(event_type, event_version, payload).map(Self::Wallet),
            Draft::TYPE => Draft::decode(event_type, event_version, payload).map(Self::Draft),
            AiJob::TYPE => AiJob::decode(event_type, event_version, payload).map(Self::AiJob),
            Order::TYPE => Order::decode(event_type, event_version, payload).map(Self::Order),
            Payment::TYPE => Payment::decode(event_type, event_version, payload).map(Self::Payment),
            _ => return Err(None),
        };
        read.map_err(Some)
    }
}

impl Envelope {
    /// The request that it came from; all of ours have one.
    pub fn correlation_id(&self) -> Uuid {
        let id = self.metadata.get("correlation_id");
        id.and_then(|id| id.parse().ok()).unwrap_or_default()
    }

    /// Upcasts and decodes the payload.
    pub fn decode(&self) -> Result<Event, DecodeError> {
        let payload = self.payload.to_string();
        Event::read(&self.aggregate_type, &self.event_type, &self.event_version, &payload).map_err(|source| {
            DecodeError {
                position: self.position,
                aggregate_type: self.aggregate_type.clone(),
                event_type: self.event_type.clone(),
                event_version: self.event_version.clone(),
                source,
            }
        })
    }
}

#[cfg(test)]
mod tests;
