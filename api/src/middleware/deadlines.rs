//! Time that a request may take. Its body may come slowly, but has to come: so much time, and more for what has come.
//! From its last byte on, the answer has a limit of its own.

use crate::config::Limits;
use crate::{ApiConfig, Problem};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

/// Middleware: a body that is late is told so, whatever a handler made of it, and so is an answer.
pub async fn limit(State(config): State<Arc<ApiConfig>>, request: Request, next: Next) -> Response {
    let limits = config.limits;
    if request.body().is_end_stream() {
        let answer = timeout(limits.request_time_max, next.run(request)).await;
        return answer.unwrap_or_else(|_elapsed| out_of_time());
    }
    let late = Arc::new(AtomicBool::new(false));
    let (moved, progress) = watch::channel(Instant::now());
    let request = request.map(|body| Body::new(Paced::new(body, limits, moved, Arc::clone(&late))));
    let response = tokio::select! {
        response = next.run(request) => response,
        () = stillness(progress, limits.request_time_max) => out_of_time(),
    };
    if late.load(Ordering::Relaxed) {
        let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout");
        return problem.with_header(header::CONNECTION, "close").into_response();
    }
    response
}

fn out_of_time() -> Response {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout").into_response()
}

/// Ends when nothing of the body has come for so long, or would be expected any more.
async fn stillness(progress: watch::Receiver<Instant>, limit: Duration) {
    loop {
        let due = *progress.borrow() + limit;
        if due <= Instant::now() {
            return;
        }
        sleep_until(due).await;
    }
}

/// How long a body may take of which so much has come.
fn allowance(limits: &Limits, received: u64) -> Duration {
    limits.body_time_max + Duration::from_secs(received) / limits.body_rate_min
}

struct Paced {
    body: Body,
    limits: Limits,
    begun: Instant,
    received: u64,
    due: Pin<Box<Sleep>>,
    /// When a part came last.
    moved: watch::Sender<Instant>,
    late: Arc<AtomicBool>,
}

impl Paced {
    fn new(body: Body, limits: Limits, moved: watch::Sender<Instant>, late: Arc<AtomicBool>) -> Self {
        let due = Box::pin(sleep(allowance(&limits, 0)));
        Self { body, limits, begun: Instant::now(), received: 0, due, moved, late }
    }

    fn count(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.received += u64::try_from(length).unwrap_or(u64::MAX);
        self.due.as_mut().reset(self.begun + allowance(&self.limits, self.received));
        self.moved.send_replace(Instant::now());
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
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.due.as_mut().poll(cx).is_ready() => {
                self.late.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(axum::Error::new(Late))))
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.count(&frame);
                Poll::Ready(Some(Ok(frame)))
            }
            polled => polled,
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
    use futures::stream;
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
