//! The `If-Match` header: change it only if it still is as I saw it.

use crate::Problem;
use crate::etag::{Named, Tag};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::Serialize;
use std::convert::Infallible;

/// The versions that the caller is willing to change; none are named by most callers.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<Named>);

impl IfMatch {
    /// Whether there is anything to compare.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Refuses unless the caller has seen what is shown now.
    pub fn check(&self, now: &impl Serialize) -> Result<(), Problem> {
        let Some(named) = &self.0 else { return Ok(()) };
        let tag = Tag::of(now).map_err(Problem::internal)?;
        if named.has(&tag) {
            return Ok(());
        }
        let mut problem = Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed");
        problem.more.headers.extend(tag.header().map(|tag| (header::ETAG, tag)));
        Err(problem)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::IF_MATCH);
        let given = values.iter().next().is_some();
        Ok(Self(given.then(|| Named::parse(values.iter()))))
    }
}
