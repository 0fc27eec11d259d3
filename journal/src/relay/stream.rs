//! The stream's settings, and what it holds.

use super::publish::position_of;
use super::{Contents, RelayError};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};
use std::time::Duration;

/// The stream's name.
pub const STREAM: &str = "JOURNAL";
/// "stream is offline: …"; what the server says of a stream, or one of its consumers, that it could not load.
const STREAM_OFFLINE: ErrorCode = ErrorCode(10194);

/// `journal.<aggregate_type>.<event_type>`
pub const SUBJECTS: &str = "journal.>";

/// What depends on the deployment.
#[derive(Debug, Clone)]
pub struct StreamOptions {
    /// Well above need: a full stream refuses publishes, which stops side effects.
    pub max_bytes: i64,
    /// Longer than any consumer may be away; older events come from the journal itself.
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

/// Creates the stream or brings its settings up to date. One whose files are damaged is made anew: NATS would keep it
/// offline for ever, and the journal holds everything that it held.
pub(super) async fn ensure(context: &Context, options: &StreamOptions) -> Result<Stream, RelayError> {
    let failed = |error: CreateStreamError| RelayError::Stream(error.into());
    match context.create_or_update_stream(config(options)).await {
        Ok(_) => {}
        Err(error) if is_offline(&error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the stream's files are damaged; it is made anew and filled from the journal"
            );
            context.delete_stream(STREAM).await.map_err(|error| RelayError::Stream(error.into()))?;
            context.create_or_update_stream(config(options)).await.map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    context.get_stream(STREAM).await.map_err(|error| RelayError::Stream(error.into()))
}

fn is_offline(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error) if error.error_code() == STREAM_OFFLINE)
}

pub(super) async fn contents(stream: &mut Stream) -> Result<Contents, RelayError> {
    let state = &stream.info().await.map_err(|error| RelayError::Stream(error.into()))?.state;
    if state.last_sequence == 0 {
        return Ok(Contents::New);
    }
    if state.messages == 0 {
        return Ok(Contents::Expired);
    }
    let last = state.last_sequence;
    let message = stream.get_raw_message(last).await.map_err(|error| RelayError::Stream(error.into()))?;
    // A foreign message says nothing; consumers and the duplicate window bear a full repeat.
    Ok(position_of(&message.headers).map_or(Contents::New, Contents::Last))
}

/// Notices that the stream was replaced by an emptier one while there was nothing to publish.
pub(super) async fn check(stream: &mut Stream, known: u64) -> Result<(), RelayError> {
    let found = stream.info().await.map_err(|error| RelayError::Stream(error.into()))?.state.last_sequence;
    if found < known {
        return Err(RelayError::Wiped { known, found });
    }
    Ok(())
}
