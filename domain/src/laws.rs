//! What holds for every aggregate after any commands whatever; each aggregate adds laws of its own.

use crate::{Command, Decide, Envelope, Event};
use cqrs_es::DomainEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use time::OffsetDateTime;

pub trait Lawful: Decide + PartialEq + Debug {
    fn command(command: Self::Command) -> Command;
    fn event(event: Self::Event) -> Event;

    /// Commands that are meant to count each time they come, up to a bound that the aggregate's own laws check.
    fn counts_repeats(_command: &Self::Command) -> bool {
        false
    }
}

/// Plays commands one after another, and answers with the state they end in and all that happened.
pub fn play<A>(commands: Vec<A::Command>) -> (A, Vec<A::Event>)
where
    A: Lawful,
    A::Command: Clone,
{
    let mut state = A::default();
    let mut history = Vec::new();
    for command in commands {
        survives_json(&A::command(command.clone()));
        let Ok(events) = state.decide(command.clone()) else { continue };
        for event in events {
            is_read_back::<A>(&event);
            state.apply(event.clone());
            history.push(event);
        }
        survives_json(&state);
        if !A::counts_repeats(&command) {
            let repeated = state.decide(command.clone()).unwrap_or_default();
            assert_eq!(repeated, [], "repeated: {:?}", A::command(command));
        }
    }
    let mut again = A::default();
    for event in history.clone() {
        again.apply(event);
    }
    assert_eq!(again, state, "the same events make another state");
    (state, history)
}

fn survives_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    let back: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!(&back, value);
}

fn is_read_back<A: Lawful>(event: &A::Event) {
    let row = Envelope {
        position: 1,
        aggregate_type: A::TYPE.into(),
        aggregate_id: String::new(),
        sequence: 1,
        event_type: event.event_type(),
        event_version: event.event_version(),
        payload: serde_json::to_value(event).unwrap(),
        metadata: BTreeMap::new(),
        recorded_at: OffsetDateTime::UNIX_EPOCH,
    };
    assert_eq!(row.payload["type"], event.event_type(), "the tag inside the payload is the type of the row");
    assert_eq!(row.decode().unwrap(), A::event(event.clone()));
}
