//! The short way from a stored payload to an event: no JSON tree in between where the payload is of today's shape.

use domain::{DecodeError, Event};
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
        let payload = self.payload.get();
        Event::read(self.aggregate_type, self.event_type, self.event_version, payload).map_err(|source| {
            DecodeError {
                position: self.position,
                aggregate_type: self.aggregate_type.to_owned(),
                event_type: self.event_type.to_owned(),
                event_version: self.event_version.to_owned(),
                source,
            }
        })
    }
}
