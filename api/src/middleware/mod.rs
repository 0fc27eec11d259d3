//! Around every handler; the order stands in [`crate::router`].

pub mod access_log;
pub mod body_limit;
pub mod compression;
pub mod conditional;
pub mod cors;
pub mod csrf;
pub mod deadlines;
pub mod identify;
pub mod problems;
pub mod rate_limits;
pub mod request_id;
pub mod security_headers;
pub mod stored_answers;

use axum::http::{HeaderMap, HeaderValue, header};

/// `/api/v1/x` and `/api/x` are the same route; anything else is outside the API.
pub(crate) fn api_path(path: &str) -> Option<&str> {
    path.strip_prefix("/api/v1").or_else(|| path.strip_prefix("/api")).filter(|rest| rest.starts_with('/'))
}

/// What must not be kept anywhere holds tokens or somebody's files.
pub(crate) fn is_secret(headers: &HeaderMap) -> bool {
    let caching = headers.get(header::CACHE_CONTROL).map(HeaderValue::as_bytes);
    caching.is_some_and(|caching| caching.ends_with(b"no-store"))
}
