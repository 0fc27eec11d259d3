//! Writes down what happens to logins, with the request that it came from.

use super::session::USER_AGENT_MAX;
use crate::Problem;
use crate::extract::{Client, RequestContext};
use crate::limits::Taken;
use crate::state::AppState;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use domain::AccountId;
use journal::Clock;
use journal::tables::security_events::{self, Kind, NewSecurityEvent, Source};
use sqlx::{PgExecutor, PgPool};
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// Where a request came from, as far as the record is concerned.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    pub client: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub request: Uuid,
}

impl Origin {
    /// Writes in the caller's transaction: what happened and its record are there together, or neither is.
    pub async fn note(
        &self,
        executor: impl PgExecutor<'_>,
        at: OffsetDateTime,
        kind: Kind,
        (account, session): (Option<AccountId>, Option<Uuid>),
    ) -> Result<(), sqlx::Error> {
        let new = NewSecurityEvent { at, kind, account, source: self.source(session) };
        security_events::insert(executor, &new).await
    }

    pub fn source(&self, session: Option<Uuid>) -> Source<'_> {
        Source { client: self.client, user_agent: self.user_agent.as_deref(), session, request: self.request }
    }
}

impl FromRequestParts<AppState> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Ok(client) = Client::from_request_parts(parts, state).await;
        let context = RequestContext::from_request_parts(parts, state).await?;
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            client: client.0,
            user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_MAX).collect()),
            request: context.request_id,
        })
    }
}

/// For what is no change of its own (a failed attempt), or is on record in the journal already.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub struct SecurityLog {
    #[from_request(via(State))]
    pool: PgPool,
    #[from_request(via(State))]
    clock: Clock,
    pub origin: Origin,
}

impl SecurityLog {
    /// A guess that may go on; or the refusal, whose first is on record.
    pub async fn admit(
        &self,
        taken: Taken,
        account: Option<AccountId>,
        code: &'static str,
    ) -> Result<(), Problem> {
        if !taken.exceeds() {
            return Ok(());
        }
        if taken.is_first_refusal() {
            self.note(Kind::GuessingLocked, account, None).await?;
        }
        Err(taken.refusal(code))
    }

    pub async fn note(
        &self,
        kind: Kind,
        account: Option<AccountId>,
        session: Option<Uuid>,
    ) -> Result<(), Problem> {
        Ok(self.origin.note(&self.pool, self.clock.now(), kind, (account, session)).await?)
    }
}
