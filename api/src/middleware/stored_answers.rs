//! A repeat of a request under the same `Idempotency-Key` gets the answer of the first, byte by byte.
//!
//! Handlers derive their ids from the key, so that a repeat whose answer is lost is safe all the same.

use super::api_path;
use crate::extract::{Authenticated, IdempotencyKey};
use crate::idempotency::stored::{Claim, Repeatable, StoredAnswers, Turn};
use crate::state::Unattended;
use crate::{Problem, middleware::problems};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, Method, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use tracing::Instrument;

/// Middleware: answers repeats, and keeps the answers to be repeated.
pub async fn replay(
    State(answers): State<StoredAnswers>,
    State(unattended): State<Unattended>,
    request: Request,
    next: Next,
) -> Response {
    let Some(scope) = Scope::of(&request) else { return next.run(request).await };
    let key = match IdempotencyKey::of(request.headers()) {
        Ok(IdempotencyKey(Some(key))) => key,
        Ok(IdempotencyKey(None)) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    let (parts, body) = request.into_parts();
    let bytes = match read(&parts, body).await {
        Ok(bytes) => bytes,
        Err(response) => return response,
    };
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let target = api_path(target).unwrap_or(target);
    let what = [parts.method.as_str().as_bytes(), target.as_bytes(), &bytes];
    let of = Repeatable::new(&answers.config, scope.owner.as_deref(), &key, what);
    match answers.turn(of).await {
        Err(problem) => problem.into_response(),
        Ok(Turn::Replay(response)) => response,
        Ok(Turn::Run(claim)) => {
            let limit = answers.config.limits.request_time_max;
            let running = run(claim, next, Request::from_parts(parts, Body::from(bytes)), limit);
            // To its end even if the caller hangs up: who asks again shall find an answer.
            match unattended.0.spawn(running.in_current_span()).await {
                Ok(response) => response,
                Err(error) => Problem::internal(error).into_response(),
            }
        }
    }
}

async fn run(claim: Claim, next: Next, request: Request, limit: std::time::Duration) -> Response {
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, handled).await {
        Ok(Ok(response)) => claim.settle(response).await,
        Ok(Err(panic)) => {
            claim.release().await;
            problems::from_panic(panic)
        }
        // The limit around all requests has answered by now.
        Err(_elapsed) => {
            claim.release().await;
            Problem::unavailable("timeout", 1).into_response()
        }
    }
}

/// Whose keys they are.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    /// Absent before anybody is logged in.
    owner: Option<String>,
}

impl Scope {
    /// Absent where keys mean nothing: what does not create, what answers with secrets, and files.
    fn of(request: &Request) -> Option<Self> {
        let path = api_path(request.uri().path())?;
        if request.method() != Method::POST || is_multipart(request.headers()) {
            return None;
        }
        if !keeps(path) {
            return None;
        }
        if path == REGISTER {
            return Some(Self { owner: None });
        }
        // A forged or an old token is the handler's to refuse.
        let caller = request.extensions().get::<Authenticated>()?;
        Some(Self { owner: Some(caller.account.to_string()) })
    }
}

/// Whether a POST to this path, below its mount, may have its answer kept.
pub(crate) fn keeps(path: &str) -> bool {
    let exempt =
        path.starts_with("/auth/") || path.starts_with("/payments/webhooks/") || EXEMPT.contains(&path);
    path == REGISTER || !exempt
}

/// Before anybody is logged in.
pub(crate) const REGISTER: &str = "/auth/register";

/// Also a payment's start: its page lives for minutes, and the handler itself knows a repeat and what became of it.
const EXEMPT: [&str; 3] = ["/payments/callback", "/payments/initiate", "/users/me/change-password"];

fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"multipart/"))
}

/// The body, within the limit of all bodies.
async fn read(parts: &Parts, body: Body) -> Result<Bytes, Response> {
    let request = Request::from_parts(parts.clone(), body);
    Bytes::from_request(request, &()).await.map_err(IntoResponse::into_response)
}
