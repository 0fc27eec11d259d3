//! Read your writes: a command answers the position that it must be seen at, a query may wait for it.

use crate::Problem;
use crate::extract::MinPosition;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};
use sqlx::PgPool;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

pub const X_JOURNAL_POSITION: HeaderName = HeaderName::from_static("x-journal-position");

/// A waiting query looks again at least this often.
const POLL: Duration = Duration::from_millis(4);
/// When a query that waited in vain may come again, in seconds.
const RETRY_AFTER_S: u32 = 1;

/// The header of a command's answer: `(SeenAt(position), Json(…))`.
#[derive(Debug, Clone, Copy)]
pub struct SeenAt(pub i64);

impl IntoResponseParts for SeenAt {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.headers_mut().insert(X_JOURNAL_POSITION, HeaderValue::from(self.0));
        Ok(response)
    }
}

/// Knows how far each projection has come.
#[derive(Clone)]
pub struct Visibility {
    pool: PgPool,
    limit: Duration,
    moved: Option<watch::Receiver<i64>>,
}

impl Visibility {
    pub fn new(pool: PgPool, limit: Duration) -> Self {
        Self { pool, limit, moved: None }
    }

    /// With a channel that changes whenever a projection of this process has committed: wakes before the poll.
    #[must_use]
    pub fn woken_by(mut self, moved: watch::Receiver<i64>) -> Self {
        self.moved = Some(moved);
        self
    }

    /// Waits until the projection shows what the caller asks for; 503 `not_yet_visible` when it does not in time.
    /// Nobody was ever answered a position that the journal has not come to: that is not waited for.
    pub async fn wait(&self, projection: &str, min: MinPosition) -> Result<(), Problem> {
        let Some(position) = min.0 else { return Ok(()) };
        if self.reached(projection, position, Duration::ZERO).await? {
            return Ok(());
        }
        if position > journal::read::head(&self.pool).await? {
            return Err(Problem::conflict("position_ahead"));
        }
        if self.reached(projection, position, self.limit).await? {
            return Ok(());
        }
        Err(Problem::unavailable("not_yet_visible", RETRY_AFTER_S))
    }

    /// Whether the projection's checkpoint comes to the position within the limit.
    pub async fn reached(
        &self,
        projection: &str,
        position: i64,
        limit: Duration,
    ) -> Result<bool, sqlx::Error> {
        let end = Instant::now() + limit;
        let mut moved = self.moved.clone();
        if let Some(moved) = &mut moved {
            moved.mark_unchanged();
        }
        loop {
            if journal::checkpoint::load(&self.pool, projection).await? >= position {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            pause(end.min(Instant::now() + POLL), moved.as_mut()).await;
        }
    }
}

/// Until it is time to look again: a projection moved, or the poll is due.
async fn pause(until: Instant, moved: Option<&mut watch::Receiver<i64>>) {
    if let Some(moved) = moved {
        match tokio::time::timeout_at(until, moved.changed()).await {
            Ok(Ok(())) | Err(_) => return,
            // The channel is closed; the poll remains.
            Ok(Err(_)) => {}
        }
    }
    tokio::time::sleep_until(until).await;
}
