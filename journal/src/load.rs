//! Loads streams and folds them. Those that are wanted at the same time are read by one statement.
//!
//! Nobody waits for company: what is wanted first is read at once, and what is wanted meanwhile is read together
//! afterwards. One statement at a time: so they grow, and the writer's batches with them, which is worth more than a
//! second one under way.

use crate::connect::within;
use crate::gather::gather;
use domain::Decide;
use serde_json::value::RawValue;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

/// Streams in one statement.
const STREAMS_MAX: usize = 64;
/// Longest wait for one statement.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The lateral form reads each stream by the primary key, whatever the planner thinks of the table's size. Rows come as
/// they lie there; the few that have to be sorted are sorted here, where they are smaller.
const READ: &str = "SELECT r.n, e.sequence, e.event_type, e.event_version, e.payload \
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS r(aggregate_type, aggregate_id, n) \
    CROSS JOIN LATERAL (SELECT sequence, event_type, event_version, payload FROM events WHERE aggregate_type = r.aggregate_type \
      AND aggregate_id = r.aggregate_id ORDER BY sequence OFFSET 0) e";

/// A folded stream.
pub(crate) struct Loaded<A> {
    pub state: A,
    /// Of the last event; 0 for an empty stream.
    pub sequence: i64,
    /// Of all payloads as JSON: a measure for the size of the state.
    pub bytes: u64,
}

/// A stream that cannot be folded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    #[error("the stream {aggregate_type} {aggregate_id} cannot be loaded")]
    Store {
        aggregate_type: &'static str,
        aggregate_id: String,
        #[source]
        source: Arc<sqlx::Error>,
    },
    #[error("the stream {aggregate_type} {aggregate_id} has no event {sequence}, but later ones")]
    Gap { aggregate_type: &'static str, aggregate_id: String, sequence: i64 },
    #[error(
        "event {sequence} of {aggregate_type} {aggregate_id} ({event_type} v{event_version}) cannot be read"
    )]
    Event {
        aggregate_type: &'static str,
        aggregate_id: String,
        sequence: i64,
        event_type: String,
        event_version: String,
        #[source]
        source: Arc<serde_json::Error>,
    },
}

/// An event of a stream, as stored.
struct Stored {
    n: i64,
    sequence: i64,
    event_type: String,
    event_version: String,
    payload: String,
}

impl Stored {
    /// By the places of [`READ`]: looking for names costs as much as the rest. Parsing is left to who knows the type.
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            n: row.try_get(0)?,
            sequence: row.try_get(1)?,
            event_type: row.try_get(2)?,
            event_version: row.try_get(3)?,
            payload: row.try_get::<Json<&RawValue>, _>(4)?.0.get().to_owned(),
        })
    }
}

type Answer = Result<Vec<Stored>, Arc<sqlx::Error>>;

struct Wanted {
    aggregate_type: &'static str,
    aggregate_id: String,
    reply: oneshot::Sender<Answer>,
}

pub(crate) struct Loader(Arc<Shared>);

/// What the loader and its reader have in common.
struct Shared {
    pool: PgPool,
    queue: Mutex<Queue>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Queue {
    wanted: Vec<Wanted>,
    /// A task reads what is wanted.
    reading: bool,
}

impl Loader {
    pub fn new(pool: PgPool) -> Self {
        Self(Arc::new(Shared { pool, queue: Mutex::default(), tasks: TaskTracker::new() }))
    }

    /// The stream as it is committed now; an unknown id is an empty one.
    pub async fn load<A: Decide>(&self, id: &str) -> Result<Loaded<A>, LoadError> {
        let stored = self.read(A::TYPE, id).await.map_err(|source| LoadError::Store {
            aggregate_type: A::TYPE,
            aggregate_id: id.to_owned(),
            source,
        })?;
        fold(id, stored)
    }

    async fn read(&self, aggregate_type: &'static str, aggregate_id: &str) -> Answer {
        let (reply, answer) = oneshot::channel();
        let begin = self.0.queue(|queue| {
            queue.wanted.push(Wanted { aggregate_type, aggregate_id: aggregate_id.to_owned(), reply });
            !std::mem::replace(&mut queue.reading, true)
        });
        if begin {
            // A task of its own: no caller who is cancelled, or polled no more, holds up the others. Its waiters learn
            // of its end, whatever it is.
            self.0.tasks.spawn(Reader(Some(Arc::clone(&self.0))).run());
        }
        answer.await.unwrap_or_else(|_| Err(Arc::new(sqlx::Error::WorkerCrashed)))
    }
}

impl Shared {
    fn queue<T>(&self, work: impl FnOnce(&mut Queue) -> T) -> T {
        work(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(&self, batch: Vec<Wanted>) {
        let types: Vec<&str> = batch.iter().map(|wanted| wanted.aggregate_type).collect();
        let ids: Vec<&str> = batch.iter().map(|wanted| wanted.aggregate_id.as_str()).collect();
        let rows = sqlx::query(READ).bind(types).bind(ids).fetch_all(&self.pool);
        let rows = within(READ_TIMEOUT, rows)
            .await
            .and_then(|rows| rows.iter().map(Stored::of).collect::<Result<Vec<_>, _>>());
        let mut rows = match rows {
            Ok(mut rows) => {
                rows.sort_by_key(|row| (row.n, row.sequence));
                Ok(rows.into_iter().peekable())
            }
            Err(error) => Err(Arc::new(error)),
        };
        for (n, wanted) in (1..).zip(batch) {
            let answer = match &mut rows {
                Ok(rows) => Ok(std::iter::from_fn(|| rows.next_if(|row| row.n == n)).collect()),
                Err(error) => Err(Arc::clone(error)),
            };
            // Who wanted it may have gone away.
            wanted.reply.send(answer).ok();
        }
    }
}

/// The task that reads while anything is wanted. If it ends in any other way, its waiters are told, and the next one
/// who wants something starts another.
struct Reader(Option<Arc<Shared>>);

impl Reader {
    async fn run(mut self) {
        let Some(shared) = self.0.clone() else { return };
        let mut answered = 0;
        loop {
            // Those whom the last statement has answered may be about to want something.
            let wanted = || shared.queue(|queue| queue.wanted.len());
            gather((answered + wanted()).min(STREAMS_MAX), wanted).await;
            let batch = shared.queue(|queue| {
                queue.wanted.retain(|wanted| !wanted.reply.is_closed());
                let count = queue.wanted.len().min(STREAMS_MAX);
                queue.reading = count > 0;
                queue.wanted.drain(..count).collect::<Vec<_>>()
            });
            if batch.is_empty() {
                self.0 = None;
                return;
            }
            answered = batch.len();
            shared.answer(batch).await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.queue(|queue| *queue = Queue::default());
        }
    }
}

fn fold<A: Decide>(id: &str, stored: Vec<Stored>) -> Result<Loaded<A>, LoadError> {
    let mut loaded = Loaded { state: A::default(), sequence: 0, bytes: 0 };
    for event in stored {
        loaded.sequence += 1;
        if event.sequence != loaded.sequence {
            return Err(LoadError::Gap {
                aggregate_type: A::TYPE,
                aggregate_id: id.to_owned(),
                sequence: loaded.sequence,
            });
        }
        loaded.bytes += event.payload.len() as u64;
        let decoded =
            A::decode(&event.event_type, &event.event_version, &event.payload).map_err(|source| {
                LoadError::Event {
                    aggregate_type: A::TYPE,
                    aggregate_id: id.to_owned(),
                    sequence: event.sequence,
                    event_type: event.event_type,
                    event_version: event.event_version,
                    source: Arc::new(source),
                }
            })?;
        loaded.state.evolve(decoded);
    }
    Ok(loaded)
}
