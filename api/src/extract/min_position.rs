//! `?min_position=`: the answer must show at least this much of the journal.

use crate::Problem;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;

/// The position that an earlier command answered in `X-Journal-Position`, if the caller waits for one.
#[derive(Debug, Clone, Copy, Default)]
pub struct MinPosition(pub Option<i64>);

#[derive(Deserialize)]
struct Wanted {
    min_position: Option<i64>,
}

impl<S: Send + Sync> FromRequestParts<S> for MinPosition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<Wanted>::try_from_uri(&parts.uri) {
            Ok(Query(Wanted { min_position })) if min_position.is_none_or(|position| position >= 0) => {
                Ok(Self(min_position))
            }
            Ok(_) | Err(_) => Err(Problem::field("min_position", "invalid_value")),
        }
    }
}
