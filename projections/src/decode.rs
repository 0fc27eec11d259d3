//! The short way from a stored payload to an event: no JSON tree in between where the payload is of today's shape.

use cqrs_es::{Aggregate, DomainEvent};
use domain::account::Account;
use domain::ai_job::AiJob;
use domain::draft::Draft;
use domain::order::Order;
use domain::payment::Payment;
use domain::wallet::Wallet;
use domain::{Decide, DecodeError, Envelope, Event};
use serde_json::value::RawValue;
use time::OffsetDateTime;

/// A stored event whose payload is still text.
pub(crate) struct Stored<'a> {
    pub position: i64,
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub payload: &'a RawValue,
    pub recorded_at: OffsetDateTime,
}

impl Stored<'_> {
    /// What [`Envelope::decode`] answers.
    pub fn decode(&self) -> Result<Event, DecodeError> {
        let short = match self.aggregate_type {
            Account::TYPE => self.short::<Account>().map(Event::Account),
            Wallet::TYPE => self.short::<Wallet>().map(Event::Wallet),
            Draft::TYPE => self.short::<Draft>().map(Event::Draft),
            AiJob::TYPE => self.short::<AiJob>().map(Event::AiJob),
            Order::TYPE => self.short::<Order>().map(Event::Order),
            Payment::TYPE => self.short::<Payment>().map(Event::Payment),
            _ => None,
        };
        match short {
            Some(event) => Ok(event),
            None => self.envelope()?.decode(),
        }
    }

    /// Only what was stored at the event's newest version under its own name; older payloads have to be upcast.
    fn short<A: Decide>(&self) -> Option<A::Event> {
        let event: A::Event = serde_json::from_str(self.payload.get()).ok()?;
        (event.event_version() == self.event_version && event.event_type() == self.event_type)
            .then_some(event)
    }

    fn envelope(&self) -> Result<Envelope, DecodeError> {
        let payload = serde_json::from_str(self.payload.get()).map_err(|error| DecodeError {
            position: self.position,
            aggregate_type: self.aggregate_type.to_owned(),
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            source: Some(error),
        })?;
        Ok(Envelope {
            position: self.position,
            aggregate_type: self.aggregate_type.to_owned(),
            aggregate_id: self.aggregate_id.to_owned(),
            sequence: 0,
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            payload,
            metadata: std::collections::BTreeMap::new(),
            recorded_at: self.recorded_at,
        })
    }
}
