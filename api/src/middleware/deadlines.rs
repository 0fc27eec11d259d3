//! Time that a request may take. Its body may come slowly, but has to come: so much time, and more for what has come,
//! but no long silence. From its last byte on, the answer has a limit of its own.

use crate::config::Limits;
use crate::{ApiConfig, Problem};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long a stopping service waits for bodies that are on their way: the rest of its time is for the answers.
const LAST_BODIES: Duration = Duration::from_secs(4);

/// An extension of requests: the service stops when it is cancelled.
#[derive(Debug, Clone)]
pub struct Stopping(pub CancellationToken);

/// Middleware: a body that is late is told so, whatever a handler made of it, and so is an answer.
pub async fn limit(State(config): State<Arc<ApiConfig>>, request: Request, next: Next) -> Response {
    let limits = config.limits;
    if request.body().is_end_stream() {
        let answer = timeout(limits.request_time_max, next.run(request)).await;
        return answer.unwrap_or_else(|_elapsed| out_of_time());
    }
    let stop = request.extensions().get::<Stopping>().map(|stopping| stopping.0.clone());
    let progress = watch::Sender::new(Progress::Held(Instant::now()));
    let seen = progress.subscribe();
    let request = request.map(|body| Body::new(Paced::new(body, limits, progress)));
    let response = tokio::select! {
        // An answer that is there counts, however late.
        biased;
        response = next.run(request) => response,
        () = stillness(&seen, limits.request_time_max) => return out_of_time(),
        () = last_bodies(stop, &seen) => return too_late(),
    };
    if matches!(*seen.borrow(), Progress::Late) { too_late() } else { response }
}

fn out_of_time() -> Response {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout").into_response()
}

fn too_late() -> Response {
    let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout");
    problem.with_header(header::CONNECTION, "close").into_response()
}

/// How far a body has come.
#[derive(Debug, Clone, Copy)]
enum Progress {
    /// Since then a handler has not asked for more of it, or all of it is there.
    Held(Instant),
    /// A handler waits for more.
    Awaited,
    /// It was given up.
    Late,
}

/// Ends when a handler has been busy for so long with what it has of the body.
async fn stillness(progress: &watch::Receiver<Progress>, limit: Duration) {
    let mut progress = progress.clone();
    loop {
        let seen = *progress.borrow_and_update();
        let due = match seen {
            Progress::Held(since) if since + limit <= Instant::now() => return,
            Progress::Held(since) => Some(since + limit),
            Progress::Awaited | Progress::Late => None,
        };
        tokio::select! {
            changed = progress.changed() => if changed.is_err() {
                // The body is gone, and with it whoever would say more: what remains is the answer.
                sleep(limit).await;
                return;
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
}

/// Ends when a service that stops can wait no longer for the body.
async fn last_bodies(stop: Option<CancellationToken>, progress: &watch::Receiver<Progress>) {
    let Some(stop) = stop else { return future::pending().await };
    stop.cancelled().await;
    sleep(LAST_BODIES).await;
    let mut progress = progress.clone();
    // If not now, then as soon as a handler asks for more.
    if progress.wait_for(|seen| matches!(seen, Progress::Awaited)).await.is_err() {
        future::pending::<()>().await;
    }
}

/// How long a body may take of which so much has come.
fn allowance(limits: &Limits, received: u64) -> Duration {
    limits.body_time_max + Duration::from_secs(received) / limits.body_rate_min
}

struct Paced {
    body: Body,
    limits: Limits,
    /// When a handler first asked for it: what is not read cannot come.
    begun: Option<Instant>,
    received: u64,
    due: Pin<Box<Sleep>>,
    progress: watch::Sender<Progress>,
}

impl Paced {
    fn new(body: Body, limits: Limits, progress: watch::Sender<Progress>) -> Self {
        Self { body, limits, begun: None, received: 0, due: Box::pin(sleep(limits.body_time_max)), progress }
    }

    /// When the next part has to be there: neither the whole nor a single silence may be too long.
    fn wait_from(&mut self, now: Instant) {
        let begun = *self.begun.get_or_insert(now);
        let due = (begun + allowance(&self.limits, self.received)).min(now + self.limits.body_time_max);
        self.due.as_mut().reset(due);
    }

    fn count(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.received += u64::try_from(length).unwrap_or(u64::MAX);
        self.wait_from(Instant::now());
    }
}

/// Whoever has it no more waits for nothing, though its end may not have been seen: forms end before their bodies do.
impl Drop for Paced {
    fn drop(&mut self) {
        self.progress.send_if_modified(|progress| {
            let awaited = matches!(progress, Progress::Awaited);
            if awaited {
                *progress = Progress::Held(Instant::now());
            }
            awaited
        });
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct Late;

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.begun.is_none() {
            self.wait_from(Instant::now());
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.due.as_mut().poll(cx).is_ready() => {
                self.progress.send_replace(Progress::Late);
                Poll::Ready(Some(Err(axum::Error::new(Late))))
            }
            Poll::Pending => {
                // Once: whoever looks on shares our task, and each word to it would have us asked again.
                self.progress.send_if_modified(|progress| {
                    let new = !matches!(progress, Progress::Awaited);
                    *progress = Progress::Awaited;
                    new
                });
                Poll::Pending
            }
            Poll::Ready(part) => {
                if let Some(Ok(frame)) = &part {
                    self.count(frame);
                }
                self.progress.send_replace(Progress::Held(Instant::now()));
                Poll::Ready(part)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use crate::middleware::problems;
    use axum::Router;
    use axum::body::to_bytes;
    use axum::middleware::{from_fn, from_fn_with_state};
    use axum::routing::any;
    use futures::{StreamExt, stream};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower::{ServiceBuilder, ServiceExt};

    #[test]
    fn what_has_come_buys_time() {
        let limits = Limits::default();
        let rate = u64::from(limits.body_rate_min);
        for (received, seconds) in [(0, 10), (rate - 1, 10), (rate, 11), (5 * 1024 * 1024, 170)] {
            assert_eq!(allowance(&limits, received).as_secs(), seconds, "{received}");
        }
    }

    /// What a caller with this body is told by a handler that never answers, in thousandths of a second.
    async fn told(body: Body, read: bool, body_time: u64, request_time: u64) -> (StatusCode, String) {
        let mut config = config();
        config.limits.body_time_max = Duration::from_millis(body_time);
        config.limits.request_time_max = Duration::from_millis(request_time);
        let handler = async move |request: Request| {
            if read && to_bytes(request.into_body(), 100).await.is_err() {
                return StatusCode::BAD_REQUEST;
            }
            std::future::pending().await
        };
        let limit = from_fn_with_state(Arc::new(config), limit);
        let order = ServiceBuilder::new().layer(from_fn(problems::render)).layer(limit);
        let router = Router::new().route("/", any(handler)).layer(order);
        let answer = router.oneshot(Request::new(body)).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body: serde_json::Value = serde_json::from_slice(&to_bytes(body, 10_000).await.unwrap()).unwrap();
        (parts.status, body["code"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_body_that_is_awaited_costs_nothing() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let silent = stream::poll_fn(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Poll::<Option<Result<Bytes, std::io::Error>>>::Pending
        });
        // A byte that comes while everybody sleeps wakes the task that could then wake itself.
        let late = stream::once(async {
            sleep(Duration::from_millis(1)).await;
            Ok(Bytes::from_static(b"x"))
        });
        told(Body::from_stream(late.chain(silent)), true, 50, 60_000).await;
        let asked = asked.load(Ordering::Relaxed);
        assert!(asked < 10, "asked {asked} times");
    }

    #[tokio::test]
    async fn whoever_takes_too_long_is_told_so() {
        let never = || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let late = (StatusCode::REQUEST_TIMEOUT, "request_timeout".to_owned());
        let slow = (StatusCode::SERVICE_UNAVAILABLE, "timeout".to_owned());
        assert_eq!(told(Body::empty(), true, 60_000, 1).await, slow);
        assert_eq!(told(Body::from("whole"), true, 60_000, 1).await, slow);
        assert_eq!(told(never(), true, 1, 60_000).await, late);
        assert_eq!(told(never(), false, 60_000, 1).await, slow, "a handler that does not read");
    }
}
