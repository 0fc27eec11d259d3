//! How large a body may be: small where anybody may send one, since each is held in memory while it comes.

use super::api_path;
use crate::ApiConfig;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// For routes that ask for no login. None needs a quarter of it.
const STRANGERS_BYTES_MAX: usize = 64 * 1024;

/// Middleware: sets the limit that extractors heed; a route may have one of its own.
pub async fn choose(State(config): State<Arc<ApiConfig>>, mut request: Request, next: Next) -> Response {
    let path = api_path(request.uri().path());
    let open = path.is_none_or(|path| {
        path.starts_with("/auth/") || path == "/payments/callback" || path.starts_with("/payments/webhooks/")
    });
    let limit = if open { STRANGERS_BYTES_MAX } else { config.limits.body_bytes_max };
    DefaultBodyLimit::max(limit).apply(&mut request);
    next.run(request).await
}
