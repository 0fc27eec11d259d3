//! Who changes something, and what makes a repeat of the request recognisable.

use crate::extract::{Customer, IdempotencyKey, IfMatch, RequestContext};
use crate::idempotency::Creation;
use crate::{Chance, Problem};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use domain::AccountId;
use journal::Context;

/// A customer's request that gives a command.
pub struct Acting {
    pub by: AccountId,
    pub key: IdempotencyKey,
    pub context: RequestContext,
    /// What of it may be changed; only updates look at it.
    pub if_match: IfMatch,
    chance: Chance,
}

impl Acting {
    /// The ids of what this request creates; `route` keeps keys of different routes apart.
    pub fn creation(&self, route: &str) -> Creation {
        self.key.creation(self.by, route, self.chance)
    }

    /// For a command that is its own at each request.
    pub fn origin(&self) -> Context {
        self.context.by(self.by)
    }
}

impl<S> FromRequestParts<S> for Acting
where
    S: Send + Sync,
    Chance: FromRef<S>,
    Customer: FromRequestParts<S, Rejection = Problem>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self {
            by: Customer::from_request_parts(parts, state).await?.account,
            key: IdempotencyKey::from_request_parts(parts, state).await?,
            context: RequestContext::from_request_parts(parts, state).await?,
            if_match: if_match(parts, state).await,
            chance: Chance::from_ref(state),
        })
    }
}

async fn if_match<S: Send + Sync>(parts: &mut Parts, state: &S) -> IfMatch {
    let Ok(if_match) = IfMatch::from_request_parts(parts, state).await;
    if_match
}
