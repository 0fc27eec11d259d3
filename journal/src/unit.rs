//! Several commands decided as one: each sees the events of those before it, and nothing is written yet.

use crate::commands::CommandError;
use crate::load::{Loaded, load};
use cqrs_es::DomainEvent;
use domain::{Command, Decide, Envelope, Refusal};
use postgres_es::PostgresEventRepository;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use time::OffsetDateTime;

/// The aggregate that a command is for: type and id.
pub(crate) fn stream_of(command: &Command) -> (String, String) {
    use cqrs_es::Aggregate;
    let (aggregate_type, id) = match command {
        Command::Account { id, .. } => (domain::account::Account::TYPE, id.to_string()),
        Command::Wallet { id, .. } => (domain::wallet::Wallet::TYPE, id.to_string()),
        Command::Draft { id, .. } => (domain::draft::Draft::TYPE, id.to_string()),
        Command::AiJob { id, .. } => (domain::ai_job::AiJob::TYPE, id.to_string()),
        Command::Order { id, .. } => (domain::order::Order::TYPE, id.to_string()),
        Command::Payment { id, .. } => (domain::payment::Payment::TYPE, id.to_string()),
    };
    (aggregate_type.to_owned(), id)
}

/// Loaded aggregates and the events decided so far, with position 0.
pub(crate) struct Unit<'a> {
    repository: &'a PostgresEventRepository,
    loaded: HashMap<(&'static str, String), Box<dyn Any + Send + Sync>>,
    metadata: BTreeMap<String, String>,
    recorded_at: OffsetDateTime,
    pub events: Vec<Envelope>,
}

impl<'a> Unit<'a> {
    /// All events of the unit get the same metadata and time.
    pub fn new(
        repository: &'a PostgresEventRepository,
        metadata: BTreeMap<String, String>,
        recorded_at: OffsetDateTime,
    ) -> Self {
        Self { repository, loaded: HashMap::new(), metadata, recorded_at, events: Vec::new() }
    }

    pub async fn decide(&mut self, command: Command) -> Result<(), CommandError> {
        match command {
            Command::Account { id, command } => {
                self.decide_for::<domain::account::Account>(id.to_string(), command).await
            }
            Command::Wallet { id, command } => {
                self.decide_for::<domain::wallet::Wallet>(id.to_string(), command).await
            }
            Command::Draft { id, command } => {
                self.decide_for::<domain::draft::Draft>(id.to_string(), command).await
            }
            Command::AiJob { id, command } => {
                self.decide_for::<domain::ai_job::AiJob>(id.to_string(), command).await
            }
            Command::Order { id, command } => {
                self.decide_for::<domain::order::Order>(id.to_string(), command).await
            }
            Command::Payment { id, command } => {
                self.decide_for::<domain::payment::Payment>(id.to_string(), command).await
            }
        }
    }

    async fn decide_for<A>(&mut self, id: String, command: A::Command) -> Result<(), CommandError>
    where
        A: Decide + 'static,
        Refusal: From<A::Error>,
    {
        let key = (A::TYPE, id);
        let known = self.loaded.remove(&key).and_then(|any| any.downcast::<Loaded<A>>().ok());
        let mut loaded = match known {
            Some(loaded) => *loaded,
            None => load::<A>(self.repository, &key.1).await?,
        };
        for event in loaded.state.decide(command).map_err(|refusal| CommandError::Refused(refusal.into()))? {
            loaded.sequence += 1;
            self.events.push(Envelope {
                position: 0,
                aggregate_type: A::TYPE.to_owned(),
                aggregate_id: key.1.clone(),
                sequence: loaded.sequence,
                event_type: event.event_type(),
                event_version: event.event_version(),
                payload: serde_json::to_value(&event).map_err(crate::PrepareError::from)?,
                metadata: self.metadata.clone(),
                recorded_at: self.recorded_at,
            });
            loaded.state.apply(event);
        }
        self.loaded.insert(key, Box::new(loaded));
        Ok(())
    }
}
