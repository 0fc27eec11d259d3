//! `ETag` and `If-None-Match`: who has an answer already is told so, in place of the answer.

use super::api_path;
use crate::etag::{Named, Tag};
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Larger answers get no tag.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The browser may keep it, and asks each time whether it still holds.
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Middleware: gives answers with JSON a tag, and compares the tags that the caller has.
pub async fn answer(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET && api_path(request.uri().path()).is_some();
    let asked = request.headers().get_all(header::IF_NONE_MATCH);
    let asked = asked.iter().next().is_some().then(|| Named::parse(asked.iter()));
    let response = next.run(request).await;
    if !reads || response.status() != StatusCode::OK {
        return response;
    }
    let response = tagged(response).await;
    let tag = response.headers().get(header::ETAG).and_then(|tag| Tag::parse(tag.to_str().ok()?));
    match (asked, tag) {
        (Some(named), Some(tag)) if named.has(&tag) => not_modified(response),
        _ => response,
    }
}

async fn tagged(response: Response) -> Response {
    let small = response.body().size_hint().exact().is_some_and(|size| size <= BODY_BYTES_MAX as u64);
    if !small || !is_keepable_json(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Its size is known, so it lies in memory.
    let Ok(bytes) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Some(tag) = Tag::of_bytes(&bytes).header() {
        parts.headers.insert(header::ETAG, tag);
    }
    parts.headers.entry(header::CACHE_CONTROL).or_insert(ASK_EACH_TIME);
    Response::from_parts(parts, Body::from(bytes))
}

/// Without a tag of its own, and not forbidden to be kept.
fn is_keepable_json(headers: &HeaderMap) -> bool {
    let json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    json && !headers.contains_key(header::ETAG) && !super::is_secret(headers)
}

/// The same headers, but for those of the body that is not sent.
fn not_modified(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}
