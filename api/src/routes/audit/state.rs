//! Aggregates as they were after a number of events.

use crate::Problem;
use cqrs_es::Aggregate;
use domain::account::Account;
use domain::ai_job::AiJob;
use domain::draft::Draft;
use domain::order::Order;
use domain::payment::Payment;
use domain::{Decide, Envelope};
use journal::read::StoredEvent;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StateView {
    aggregate_type: String,
    aggregate_id: String,
    /// Of the last event that it had
    sequence: i64,
    /// What the aggregate decided by
    state: Value,
}

/// Every aggregate that has an event among these.
pub(super) fn folded(events: &[StoredEvent]) -> Result<Vec<StateView>, Problem> {
    let mut streams: BTreeMap<(&str, &str), Vec<&Envelope>> = BTreeMap::new();
    for StoredEvent { envelope, .. } in events {
        let stream = (envelope.aggregate_type.as_str(), envelope.aggregate_id.as_str());
        streams.entry(stream).or_default().push(envelope);
    }
    streams
        .into_iter()
        .map(|((aggregate_type, aggregate_id), events)| {
            let state = match aggregate_type {
                Order::TYPE => fold::<Order>(&events),
                Draft::TYPE => fold::<Draft>(&events),
                Payment::TYPE => fold::<Payment>(&events),
                AiJob::TYPE => fold::<AiJob>(&events),
                Account::TYPE => fold::<Account>(&events),
                _ => Ok(Value::Null),
            }?;
            Ok(StateView {
                aggregate_type: aggregate_type.to_owned(),
                aggregate_id: aggregate_id.to_owned(),
                sequence: events.last().map_or(0, |event| event.sequence),
                state,
            })
        })
        .collect()
}

fn fold<A: Decide + Serialize>(events: &[&Envelope]) -> Result<Value, Problem> {
    let mut state = A::default();
    for event in events {
        let payload = A::upcast(&event.event_type, &event.event_version, event.payload.clone());
        state.apply(serde_json::from_value(payload).map_err(Problem::internal)?);
    }
    serde_json::to_value(state).map_err(Problem::internal)
}
