//! A body has to come in time: whoever sends it drop by drop is told so, and the connection ends.

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
use tokio::time::{Sleep, sleep};

/// Middleware: whatever a handler made of a body that broke off, the caller was too slow.
pub async fn limit(State(config): State<Arc<ApiConfig>>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let late = Arc::new(AtomicBool::new(false));
    let request =
        request.map(|body| Body::new(Timed::new(body, config.limits.body_time_max, Arc::clone(&late))));
    let response = next.run(request).await;
    if late.load(Ordering::Relaxed) {
        let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout");
        return problem.with_header(header::CONNECTION, "close").into_response();
    }
    response
}

struct Timed {
    body: Body,
    due: Pin<Box<Sleep>>,
    late: Arc<AtomicBool>,
}

impl Timed {
    fn new(body: Body, limit: Duration, late: Arc<AtomicBool>) -> Self {
        Self { body, due: Box::pin(sleep(limit)), late }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct Late;

impl HttpBody for Timed {
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
