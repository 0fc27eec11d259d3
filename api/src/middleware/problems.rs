//! Turns every error into a problem document: those of handlers, those of the framework, and panics.

use crate::Problem;
use crate::error::ProblemBody;
use crate::extract::{Locale, RequestId};
use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::error::Error;
use uuid::Uuid;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Middleware: writes the body of each problem, in the reader's language and with the request's id.
pub async fn render(request: Request, next: Next) -> Response {
    let locale = Locale::of(request.headers());
    let id = request.extensions().get::<RequestId>().map_or_else(Uuid::nil, |id| id.0);
    let mut response = next.run(request).await;
    match problem_of(&mut response) {
        None => response,
        Some(problem) => {
            log(&problem);
            written(response, &problem, locale, id)
        }
    }
}

fn problem_of(response: &mut Response) -> Option<Problem> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Some(problem);
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    // A handler that wrote JSON or a page of its own has said what it wanted to.
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let own = content_type.is_some_and(|kind| kind.contains("json") || kind.starts_with("text/html"));
    (!own).then(|| Problem::new(status, code_of(status)))
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::REQUEST_TIMEOUT => "request_timeout",
        StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::RANGE_NOT_SATISFIABLE => "range_not_satisfiable",
        StatusCode::SERVICE_UNAVAILABLE => "timeout",
        other if other.is_client_error() => "bad_request",
        _ => "internal",
    }
}

fn written(response: Response, problem: &Problem, locale: Locale, id: Uuid) -> Response {
    let body = Json(ProblemBody::new(problem, locale, &id.to_string()));
    let (parts, _) = response.into_parts();
    let mut rendered = (problem.status, body).into_response();
    let headers = rendered.headers_mut();
    for (name, value) in &parts.headers {
        // Cookies come more than once; lengths and types belong to the body that is gone.
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(locale.tag()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    rendered
}

/// The one place where a failure is logged; the request's id stands in the span.
fn log(problem: &Problem) {
    let Some(source) = &problem.more.source else { return };
    let error = chain(source.as_ref());
    if problem.status == StatusCode::INTERNAL_SERVER_ERROR || problem.code == "store_unavailable" {
        tracing::error!(problem.code, error, "request failed");
    } else {
        tracing::warn!(problem.code, error, "request refused");
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// For `CatchPanicLayer`: what a panicking handler answers.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands over the box")]
pub fn from_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned());
    Problem::internal(format!("a handler panicked: {text}")).into_response()
}

/// The fallback of the router.
pub async fn no_route() -> Problem {
    Problem::not_found("route_not_found")
}

/// A known path, but not with this method; the router adds `Allow`.
pub async fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
}
