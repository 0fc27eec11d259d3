//! Journal → `JetStream`: every event, in order, at least once, never skipped.
//!
//! `JetStream` acknowledges before it syncs and can lose what it acknowledged. So the checkpoint is a hint: at
//! each (re)connection the relay compares it with the stream's last message and goes back to the earlier of the
//! two. A stream that was wiped is filled again from the first event. Consumers deduplicate by position, and each
//! flow compares its own progress with the journal (see [`crate::progress`]).
//!
//! | file | what it is |
//! |---|---|
//! | `stream.rs` | the stream's settings and its last position |
//! | `outgoing.rs` | one event as a message |
//! | `publish.rs` | the window of unacknowledged messages |
//! | `status.rs` | what the relay is doing, for health checks and metrics |

mod outgoing;
mod publish;
mod status;
mod stream;

pub use outgoing::{Outgoing, page};
pub use publish::{POSITION_HEADER, position_of};
pub use status::{Activity, Snapshot, Status, StatusReader, status};
pub use stream::{STREAM, SUBJECTS, StreamOptions};

use crate::checkpoint;
use crate::owner::{self, Owned};
use crate::read::{ReadError, Wake};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::Stream;
use publish::Window;
use sqlx::PgPool;
use std::time::{Duration, Instant};
use stream::Contents;
use tokio_util::sync::CancellationToken;

/// Name of the lock and of the checkpoint.
pub const NAME: &str = "relay";
const PAGE_EVENTS: i64 = 1_000;
const PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Unacknowledged messages that went alone, for each of which the client waits; batches have a bound of their own.
const WINDOW_MESSAGES: usize = 512;
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// While there is nothing to publish, the stream is looked at this often, to notice that it was wiped.
const IDLE_CHECK: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Why a session with the stream ended. The relay starts another one.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the stream cannot be set up")]
    Stream(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("event {position} was not acknowledged")]
    Publish {
        position: i64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the stream lost messages: its last sequence is {found}, it was {known}")]
    Wiped { known: u64, found: u64 },
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the checkpoint cannot be kept")]
    Checkpoint(#[from] sqlx::Error),
}

impl RelayError {
    /// The database's fault: the lock may be gone with the connection.
    fn concerns_database(&self) -> bool {
        matches!(self, Self::Read(_) | Self::Checkpoint(_))
    }
}

/// Runs until `stop`. Without NATS it waits, visibly, and nothing else in the shop does.
///
/// The client should be one that keeps trying to connect (`retry_on_initial_connect`).
pub async fn run(
    pool: PgPool,
    client: async_nats::Client,
    mut wake: Wake,
    options: StreamOptions,
    status: Status,
    stop: CancellationToken,
) {
    let (mut failures, mut singly_until) = (0, 0);
    while let Some(mut owned) = owner::acquire(&pool, NAME, &stop).await {
        loop {
            status.connecting();
            let before = status.published();
            let work =
                Box::pin(session(&mut owned, &client, &mut wake, &options, &status, &mut singly_until));
            let Some(error) = stop.run_until_cancelled(work).await else {
                owned.release().await;
                return;
            };
            failures = if status.published() > before { 1 } else { failures + 1 };
            status.failed(&error);
            tracing::warn!(
                attempt = failures,
                error = &error as &dyn std::error::Error,
                "the relay was interrupted"
            );
            let pause = RETRY_FIRST.saturating_mul(1 << (failures - 1).min(16)).min(RETRY_MAX);
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                owned.release().await;
                return;
            }
            if error.concerns_database() {
                break;
            }
        }
    }
}

/// From one look at the stream's last message to the first failure.
async fn session(
    owned: &mut Owned,
    client: &async_nats::Client,
    wake: &mut Wake,
    options: &StreamOptions,
    status: &Status,
    singly_until: &mut i64,
) -> RelayError {
    match publish_all(owned, client, wake, options, status, singly_until).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn publish_all(
    owned: &mut Owned,
    client: &async_nats::Client,
    wake: &mut Wake,
    options: &StreamOptions,
    status: &Status,
    singly_until: &mut i64,
) -> Result<std::convert::Infallible, RelayError> {
    let (mut stream, mut window) = begin(owned, client, options, *singly_until).await?;
    *singly_until = window.singly_until();
    let mut saved = window.acknowledged();
    let mut checked = Instant::now();
    status.publishing(saved);
    let mut page = page_behind(owned, window.sent()).await?;
    loop {
        // The next page is read while this one is sent, and acknowledgements of the last one arrive meanwhile.
        let (result, next) = match page.last() {
            Some(last) => {
                let (sent, next) = tokio::join!(window.send(&page), page_behind(owned, last.position));
                (sent, Some(next))
            }
            None => (window.settle().await, None),
        };
        // Also on failure: what was acknowledged before it need not be sent again.
        if window.acknowledged() > saved {
            saved = window.acknowledged();
            status.acknowledged(saved);
            checkpoint::save(owned.connection(), NAME, saved).await?;
        }
        *singly_until = window.singly_until();
        result?;
        page = if let Some(next) = next {
            next?
        } else {
            wake.beyond(window.sent()).await;
            if checked.elapsed() >= IDLE_CHECK {
                stream::check(&mut stream, window.stream_sequence()).await?;
                checked = Instant::now();
            }
            page_behind(owned, window.sent()).await?
        };
    }
}

async fn page_behind(owned: &mut Owned, after: i64) -> Result<Vec<Outgoing>, ReadError> {
    page(owned.connection(), after, PAGE_EVENTS, PAGE_BYTES).await
}

/// Looks at the stream, and where to go on.
async fn begin(
    owned: &mut Owned,
    client: &async_nats::Client,
    options: &StreamOptions,
    singly_until: i64,
) -> Result<(Stream, Window), RelayError> {
    let context = ContextBuilder::new()
        .timeout(ACK_TIMEOUT)
        .ack_timeout(ACK_TIMEOUT)
        .max_ack_inflight(WINDOW_MESSAGES * 2)
        .backpressure_on_inflight(true)
        .build(client.clone());
    checkpoint::commit_lazily_always(owned.connection()).await?;
    let (stream, contents) = stream::open(owned.connection(), &context, options).await?;
    let saved = checkpoint::load(owned.connection(), NAME).await?;
    let start = resume_after(saved, contents);
    if start < saved {
        tracing::warn!(
            event.position = start,
            checkpoint = saved,
            "the stream lost messages; publishing again"
        );
    }
    let known = match contents {
        Contents::Last(position) => position.max(singly_until),
        Contents::New | Contents::Expired => singly_until,
    };
    let stream_sequence = stream.cached_info().state.last_sequence;
    Ok((stream, Window::new(context, start, known, stream_sequence, WINDOW_MESSAGES)))
}

/// The checkpoint counts acknowledgements from the front, so nothing before it is missing unless the stream lost
/// it; and nothing behind the stream's last message is there.
fn resume_after(saved: i64, contents: Contents) -> i64 {
    match contents {
        Contents::New => 0,
        Contents::Expired => saved,
        Contents::Last(position) => position.min(saved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_resumes_at_the_earlier_of_checkpoint_and_stream() {
        assert_eq!(resume_after(100, Contents::Last(100)), 100);
        // The checkpoint is saved lazily; what came behind it is published again.
        assert_eq!(resume_after(90, Contents::Last(100)), 90);
        // Acknowledged, and lost.
        assert_eq!(resume_after(100, Contents::Last(80)), 80);
        assert_eq!(resume_after(100, Contents::New), 0);
        assert_eq!(resume_after(100, Contents::Expired), 100);
    }
}
