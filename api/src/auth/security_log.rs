//! Writes down what happens to logins, with the request that it came from.

use super::session::USER_AGENT_MAX;
use crate::Problem;
use crate::extract::{Client, RequestContext};
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use domain::AccountId;
use journal::Clock;
use journal::tables::security_events::{self, Kind, NewSecurityEvent};
use sqlx::PgPool;
use uuid::Uuid;

pub struct SecurityLog {
    pool: PgPool,
    clock: Clock,
    client: Client,
    request: Uuid,
    pub user_agent: Option<String>,
}

impl SecurityLog {
    pub async fn note(
        &self,
        kind: Kind,
        account: Option<AccountId>,
        session: Option<Uuid>,
    ) -> Result<(), Problem> {
        let new = NewSecurityEvent {
            at: self.clock.now(),
            kind,
            account,
            client: self.client.0,
            user_agent: self.user_agent.as_deref(),
            session,
            request: self.request,
        };
        Ok(security_events::insert(&self.pool, &new).await?)
    }
}

impl FromRequestParts<AppState> for SecurityLog {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Ok(client) = Client::from_request_parts(parts, state).await;
        let context = RequestContext::from_request_parts(parts, state).await?;
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            pool: state.pool.clone(),
            clock: state.clock.clone(),
            client,
            request: context.request_id,
            user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_MAX).collect()),
        })
    }
}
