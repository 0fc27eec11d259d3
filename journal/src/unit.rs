//! Several commands decided as one: each sees the events of those before it, and nothing is written yet.

use crate::commands::CommandError;
use crate::context::Seen;
use crate::load::Loader;
use crate::states::{Held, Key, States};
use crate::writer::Fate;
use cqrs_es::{Aggregate, DomainEvent};
use domain::{Command, Decide, Envelope, Refusal};
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use time::OffsetDateTime;

/// The aggregate that a command is for: type and id.
pub(crate) fn stream_of(command: &Command) -> (String, String) {
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

/// Where a unit may take its states from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// From the cache, where they may be stale or rest upon what is still on its way.
    Cache,
    /// From the journal.
    Journal,
}

/// What an event of this process is taken to add to its state; the size of those that were loaded is known.
const EVENT_BYTES_TYPICAL: u64 = 512;

/// Where states come from.
pub(crate) struct Sources<'a> {
    pub states: &'a States,
    pub loader: &'a Loader,
    pub from: From,
    /// Of the writer's connection, before anything was taken or loaded.
    pub epoch: u64,
    /// Appends of these streams that have to be known before one of them is loaded.
    pub on_their_way: Vec<Fate>,
}

/// Loaded aggregates and the events decided so far, with position 0.
pub(crate) struct Unit<'a> {
    pub sources: Sources<'a>,
    streams: HashMap<Key, Box<dyn Stream>>,
    metadata: BTreeMap<String, String>,
    recorded_at: OffsetDateTime,
    pub events: Vec<Envelope>,
}

/// One aggregate of the unit.
struct Member<A> {
    held: Held<A>,
    /// From the cache, and so only a guess until the append has checked it.
    guessed: bool,
    /// Of this unit.
    events: usize,
}

/// A member without its type.
trait Stream: Any + Send + Sync {
    fn is_guessed(&self) -> bool;
    fn has_events(&self) -> bool;
    fn found(&self) -> i64;
    fn upon(&self) -> Option<&Fate>;
    fn keep(self: Box<Self>, key: Key, states: &States, fate: Option<&Fate>, epoch: u64);
}

impl<A: Send + Sync + 'static> Stream for Member<A> {
    fn is_guessed(&self) -> bool {
        self.guessed
    }

    fn has_events(&self) -> bool {
        self.events > 0
    }

    fn found(&self) -> i64 {
        self.held.loaded.sequence - i64::try_from(self.events).unwrap_or(i64::MAX)
    }

    fn upon(&self) -> Option<&Fate> {
        self.held.upon.as_ref()
    }

    fn keep(mut self: Box<Self>, key: Key, states: &States, fate: Option<&Fate>, epoch: u64) {
        if self.events > 0 {
            // Without an append its events are nowhere.
            let Some(fate) = fate else { return };
            self.held.upon = Some(fate.clone());
        }
        states.keep(key, self.held, epoch);
    }
}

impl<'a> Unit<'a> {
    /// All events of the unit get the same metadata and time.
    pub fn new(
        sources: Sources<'a>,
        metadata: BTreeMap<String, String>,
        recorded_at: OffsetDateTime,
    ) -> Self {
        Self { sources, streams: HashMap::new(), metadata, recorded_at, events: Vec::new() }
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

    /// Something that it was decided upon was only guessed.
    pub fn is_guessed(&self) -> bool {
        self.streams.values().any(|stream| stream.is_guessed())
    }

    /// The last event of a stream before those of the unit; absent when no command was for it.
    pub fn found(&self, seen: &Seen) -> Option<i64> {
        let key: Key = (seen.aggregate_type, seen.aggregate_id.clone());
        Some(self.streams.get(&key)?.found())
    }

    /// The append will not check all guesses: one of them is of a stream without an event of the unit.
    pub fn is_unchecked(&self) -> bool {
        self.streams.values().any(|stream| stream.is_guessed() && !stream.has_events())
    }

    /// Appends that this decision rests upon and that are not known to stand; one may have failed meanwhile.
    pub fn upon(&self) -> Vec<Fate> {
        self.streams
            .values()
            .filter_map(|stream| stream.upon())
            .filter(|fate| !fate.stands())
            .cloned()
            .collect()
    }

    /// Hands the states on to later commands; `fate` is that of the unit's append, if there is one.
    pub fn keep(self, fate: Option<&Fate>) {
        for (key, stream) in self.streams {
            stream.keep(key, self.sources.states, fate, self.sources.epoch);
        }
    }

    async fn decide_for<A>(&mut self, id: String, command: A::Command) -> Result<(), CommandError>
    where
        A: Decide + 'static,
        Refusal: std::convert::From<A::Error>,
    {
        let key: Key = (A::TYPE, id);
        let mut member = self.member::<A>(&key).await?;
        let decided = member.held.loaded.state.decide(command);
        for event in decided.as_ref().map(Vec::as_slice).unwrap_or_default() {
            let envelope = self.envelope::<A>(&key.1, member.held.loaded.sequence + 1, event)?;
            member.held.loaded.sequence += 1;
            member.held.loaded.bytes += EVENT_BYTES_TYPICAL;
            member.held.loaded.state.evolve(event.clone());
            member.events += 1;
            self.events.push(envelope);
        }
        self.streams.insert(key, member);
        decided.map(drop).map_err(|refusal| CommandError::Refused(refusal.into()))
    }

    /// From an earlier command of the unit, else from where the unit may take it.
    async fn member<A: Decide + 'static>(&mut self, key: &Key) -> Result<Box<Member<A>>, CommandError> {
        if let Some(stream) = self.streams.remove(key) {
            let any: Box<dyn Any> = stream;
            if let Ok(member) = any.downcast::<Member<A>>() {
                return Ok(member);
            }
        }
        let Sources { states, loader, from, epoch, on_their_way } = &self.sources;
        if *from == From::Cache
            && let Some(held) = states.take::<A>(key, *epoch)
        {
            return Ok(Box::new(Member { held, guessed: true, events: 0 }));
        }
        for fate in on_their_way {
            fate.known().await;
        }
        let loaded = loader.load::<A>(&key.1).await?;
        Ok(Box::new(Member { held: Held { loaded, upon: None }, guessed: false, events: 0 }))
    }

    fn envelope<A: Decide>(
        &self,
        id: &str,
        sequence: i64,
        event: &A::Event,
    ) -> Result<Envelope, CommandError> {
        Ok(Envelope {
            position: 0,
            aggregate_type: A::TYPE.to_owned(),
            aggregate_id: id.to_owned(),
            sequence,
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: serde_json::to_value(event).map_err(crate::PrepareError::from)?,
            metadata: self.metadata.clone(),
            recorded_at: self.recorded_at,
        })
    }
}
