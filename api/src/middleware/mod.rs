//! Around every handler; the order stands in [`crate::router`].

pub mod access_log;
pub mod cors;
pub mod csrf;
pub mod problems;
pub mod rate_limits;
pub mod request_id;
pub mod security_headers;

/// `/api/v1/x` and `/api/x` are the same route; anything else is outside the API.
pub(crate) fn api_path(path: &str) -> Option<&str> {
    path.strip_prefix("/api/v1").or_else(|| path.strip_prefix("/api")).filter(|rest| rest.starts_with('/'))
}
