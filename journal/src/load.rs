//! Loads one aggregate through the stock repository. A cache of folded states would stand here.

use cqrs_es::persist::{PersistedEventRepository, PersistenceError};
use domain::Decide;
use postgres_es::PostgresEventRepository;

/// A folded stream.
pub(crate) struct Loaded<A> {
    pub state: A,
    /// Of the last event; 0 for an empty stream.
    pub sequence: i64,
}

/// A stream that cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the stream {aggregate_type} {aggregate_id} cannot be loaded")]
    Store {
        aggregate_type: &'static str,
        aggregate_id: String,
        #[source]
        source: PersistenceError,
    },
    #[error(
        "event {sequence} of {aggregate_type} {aggregate_id} ({event_type} v{event_version}) cannot be read"
    )]
    Event {
        aggregate_type: &'static str,
        aggregate_id: String,
        sequence: usize,
        event_type: String,
        event_version: String,
        #[source]
        source: serde_json::Error,
    },
}

/// One SELECT; an unknown id is an empty stream.
pub(crate) async fn load<A: Decide>(
    repository: &PostgresEventRepository,
    id: &str,
) -> Result<Loaded<A>, LoadError> {
    let events = repository.get_events::<A>(id).await.map_err(|source| LoadError::Store {
        aggregate_type: A::TYPE,
        aggregate_id: id.to_owned(),
        source,
    })?;
    let mut loaded = Loaded { state: A::default(), sequence: 0 };
    for event in events {
        let payload = A::upcast(&event.event_type, &event.event_version, event.payload);
        let decoded = serde_json::from_value(payload).map_err(|source| LoadError::Event {
            aggregate_type: A::TYPE,
            aggregate_id: id.to_owned(),
            sequence: event.sequence,
            event_type: event.event_type,
            event_version: event.event_version,
            source,
        })?;
        loaded.state.apply(decoded);
        loaded.sequence += 1;
    }
    Ok(loaded)
}
