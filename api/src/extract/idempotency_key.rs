//! The `Idempotency-Key` header.

use crate::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// The client's name for this request, if it gave one; see [`crate::idempotency`] for what becomes of it.
#[derive(Debug, Clone, Default)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().unwrap_or_default().trim();
        let fits = !key.is_empty() && key.len() <= KEY_BYTES_MAX;
        if fits {
            Ok(Self(Some(key.to_owned())))
        } else {
            Err(Problem::bad_request("invalid_idempotency_key"))
        }
    }
}
