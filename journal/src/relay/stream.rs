//! The stream's settings, and what it holds.

use super::RelayError;
use super::publish::position_of;
use crate::read::{self, ReadError};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};
use domain::Envelope;
use sqlx::PgConnection;
use std::time::Duration;

/// The stream's name.
pub const STREAM: &str = "JOURNAL";
/// "stream is offline: …"; what the server says of a stream, or one of its consumers, that it could not load.
const STREAM_OFFLINE: ErrorCode = ErrorCode(10194);

/// Messages of others that are passed over in search of our last one.
const STRANGERS_MAX: u64 = 100;

/// `journal.<aggregate_type>.<event_type>`
pub const SUBJECTS: &str = "journal.>";

/// What depends on the deployment.
#[derive(Debug, Clone)]
pub struct StreamOptions {
    /// Well above need: a full stream refuses publishes, which stops side effects.
    pub max_bytes: i64,
    /// How long a person may look back in it; the flows have the journal itself.
    pub max_age: Duration,
    /// At least as long as the longest expected outage of the relay.
    pub duplicate_window: Duration,
    pub replicas: usize,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            max_bytes: 1024 * 1024 * 1024,
            max_age: Duration::from_hours(7 * 24),
            duplicate_window: Duration::from_hours(1),
            replicas: 1,
        }
    }
}

/// What the stream holds at the start of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    /// It never held a message: it is new, or was wiped.
    New,
    /// Its messages expired or were purged; that they were there, its sequence says.
    Expired,
    /// The position of its last message.
    Last(i64),
}

fn config(options: &StreamOptions) -> Config {
    Config {
        name: STREAM.to_owned(),
        description: Some("every event of the journal, in order, at least once".to_owned()),
        subjects: vec![SUBJECTS.to_owned()],
        retention: RetentionPolicy::Limits,
        // Old would delete unconsumed events in silence; New stops the relay, which is visible.
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        max_bytes: options.max_bytes,
        max_age: options.max_age,
        duplicate_window: options.duplicate_window.min(options.max_age),
        num_replicas: options.replicas,
        deny_delete: true,
        allow_direct: true,
        allow_atomic_publish: true,
        ..Config::default()
    }
}

/// The stream, with this release's settings, and what it holds of this journal.
///
/// It is made anew where NATS cannot load its files and would keep it offline for ever, and where it is of another
/// journal: after a restore of an older backup its ids are given again to other events, and NATS would drop those as
/// repeats. The journal has everything that the stream should have.
pub(super) async fn open(
    connection: &mut PgConnection,
    context: &Context,
    options: &StreamOptions,
) -> Result<(Stream, Contents), RelayError> {
    match context.create_or_update_stream(config(options)).await {
        Ok(_) => {}
        Err(error) if is_offline(&error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the stream's files are damaged; it is made anew and filled from the journal"
            );
            make_anew(context, options).await?;
        }
        Err(error) => return Err(failed(error)),
    }
    let mut stream = context.get_stream(STREAM).await.map_err(failed)?;
    match contents(&mut stream).await? {
        Found::Message(last) if !is_of_journal(connection, &last).await? => {
            tracing::error!(
                event.position = last.position,
                "the stream holds events that the journal does not; it is made anew and filled from the journal"
            );
            make_anew(context, options).await?;
            Ok((context.get_stream(STREAM).await.map_err(failed)?, Contents::New))
        }
        Found::Message(last) => Ok((stream, Contents::Last(last.position))),
        Found::Nothing(contents) => Ok((stream, contents)),
    }
}

async fn make_anew(context: &Context, options: &StreamOptions) -> Result<(), RelayError> {
    context.delete_stream(STREAM).await.map_err(failed)?;
    context.create_or_update_stream(config(options)).await.map_err(failed)?;
    Ok(())
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> RelayError {
    RelayError::Stream(error.into())
}

fn is_offline(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error) if error.error_code() == STREAM_OFFLINE)
}

/// A look at the end of the stream.
enum Found {
    Nothing(Contents),
    Message(Envelope),
}

async fn contents(stream: &mut Stream) -> Result<Found, RelayError> {
    let state = &stream.info().await.map_err(failed)?.state;
    if state.last_sequence == 0 {
        return Ok(Found::Nothing(Contents::New));
    }
    if state.messages == 0 {
        return Ok(Found::Nothing(Contents::Expired));
    }
    let (first, last) = (state.first_sequence, state.last_sequence);
    for sequence in (first.max(last.saturating_sub(STRANGERS_MAX))..=last).rev() {
        let message = stream.get_raw_message(sequence).await.map_err(failed)?;
        let position = position_of(&message.headers);
        let event = serde_json::from_slice::<Envelope>(&message.payload).ok();
        if let Some(event) = event.filter(|event| Some(event.position) == position) {
            return Ok(Found::Message(event));
        }
    }
    // Nothing but strangers; consumers and the duplicate window bear a full repeat.
    Ok(Found::Nothing(Contents::New))
}

async fn is_of_journal(connection: &mut PgConnection, event: &Envelope) -> Result<bool, RelayError> {
    if read::head(&mut *connection).await.map_err(ReadError::from)? < event.position {
        return Ok(false);
    }
    let stored = read::range(connection, event.position, event.position).await?;
    Ok(stored.first() == Some(event))
}

/// Notices that the stream was replaced by an emptier one while there was nothing to publish.
pub(super) async fn check(stream: &mut Stream, known: u64) -> Result<(), RelayError> {
    let found = stream.info().await.map_err(failed)?.state.last_sequence;
    if found < known {
        return Err(RelayError::Wiped { known, found });
    }
    Ok(())
}
