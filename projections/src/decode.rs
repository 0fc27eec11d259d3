//! The short way from a stored payload to an event: no JSON tree in between where the payload is of today's shape.

use cqrs_es::Aggregate;
use domain::account::Account;
use domain::ai_job::AiJob;
use domain::draft::Draft;
use domain::order::Order;
use domain::payment::Payment;
use domain::wallet::Wallet;
use domain::{Decide, DecodeError, Event};
use serde_json::value::RawValue;

/// A stored event whose payload is still text.
pub(crate) struct Stored<'a> {
    pub position: i64,
    pub aggregate_type: &'a str,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub payload: &'a RawValue,
}

impl Stored<'_> {
    /// What `Envelope::decode` answers.
    pub fn decode(&self) -> Result<Event, DecodeError> {
        match self.aggregate_type {
            Account::TYPE => self.decode_as::<Account>().map(Event::Account),
            Wallet::TYPE => self.decode_as::<Wallet>().map(Event::Wallet),
            Draft::TYPE => self.decode_as::<Draft>().map(Event::Draft),
            AiJob::TYPE => self.decode_as::<AiJob>().map(Event::AiJob),
            Order::TYPE => self.decode_as::<Order>().map(Event::Order),
            Payment::TYPE => self.decode_as::<Payment>().map(Event::Payment),
            _ => Err(self.unreadable(None)),
        }
    }

    fn decode_as<A: Decide>(&self) -> Result<A::Event, DecodeError> {
        let payload = self.payload.get();
        A::decode(self.event_type, self.event_version, payload).map_err(|error| self.unreadable(Some(error)))
    }

    fn unreadable(&self, source: Option<serde_json::Error>) -> DecodeError {
        DecodeError {
            position: self.position,
            aggregate_type: self.aggregate_type.to_owned(),
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            source,
        }
    }
}
