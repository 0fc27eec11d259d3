//! `POST /auth/refresh`

use super::Tokens;
use crate::auth::cookies::{self, TokenPair};
use crate::auth::csrf_token::Bound;
use crate::auth::security_log::Origin;
use crate::auth::session::{self, Renewal, Session};
use crate::auth::{AccessTokens, Sessions};
use crate::extract::OptionalBody;
use crate::middleware::csrf::SessionChanged;
use crate::{ApiConfig, AppState, Problem};
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use axum_extra::extract::CookieJar;
use journal::tables::accounts;
use serde::Deserialize;
use sqlx::PgPool;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RefreshBody {
    /// From clients that keep no cookies; they get the new tokens in the body
    refresh_token: Option<String>,
}

/// New tokens for the current refresh token, from the cookie or the body. A repeat within 10 s gets the same ones.
#[utoipa::path(post, path = "/refresh", tag = "session", request_body = Option<RefreshBody>, responses(
    (status = 200, body = Tokens, description = "Tokens only if the body had one; cookies otherwise"),
    (status = 401, description = "`unauthorized`, `invalid_refresh`, `refresh_reuse_detected`"),
))]
pub(super) async fn refresh(
    State(config): State<Arc<ApiConfig>>,
    renewer: Renewer,
    jar: CookieJar,
    OptionalBody(body): OptionalBody<RefreshBody>,
) -> Result<Response, Problem> {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    let expires_in = config.tokens.access_life.as_secs();
    if let Some(token) = body.and_then(|body| body.refresh_token) {
        let (pair, _) = renewer.renewed(&token).await?;
        let (access_token, refresh_token) = (Some(pair.access), Some(pair.refresh));
        let answer = Tokens { ok: true, access_token, refresh_token, expires_in };
        return Ok((no_store, Json(answer)).into_response());
    }
    let token = jar.get(cookies::REFRESH).ok_or_else(Problem::unauthorized)?.value();
    match renewer.renewed(token).await {
        Ok((pair, session)) => {
            let jar = cookies::login(&config.cookies, &config.tokens, &pair, session.remember);
            let answer = Tokens { ok: true, access_token: None, refresh_token: None, expires_in };
            let same = Extension(SessionChanged(Bound::Session(session.id)));
            Ok((no_store, jar, same, Json(answer)).into_response())
        }
        // The browser need not try this one again.
        Err(problem) if problem.status.is_client_error() => {
            let gone = Extension(SessionChanged(Bound::Anonymous));
            Ok((cookies::logout(&config.cookies), gone, problem).into_response())
        }
        Err(problem) => Err(problem),
    }
}

#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct Renewer {
    #[from_request(via(State))]
    pool: PgPool,
    #[from_request(via(State))]
    sessions: Sessions,
    #[from_request(via(State))]
    tokens: AccessTokens,
    origin: Origin,
}

impl Renewer {
    /// The role is read anew, so that a changed one takes effect now.
    async fn renewed(&self, token: &str) -> Result<(TokenPair, Session), Problem> {
        let session = match self.sessions.renew(token, &self.origin).await? {
            Renewal::Session(session) => session,
            Renewal::Reused => return Err(session::refused("refresh_reuse_detected")),
        };
        let row = accounts::get(&self.pool, session.account).await?.ok_or_else(Problem::unauthorized)?;
        let now = self.sessions.clock.now();
        let access = self.tokens.issue(session.account, row.role.0, session.id, now)?;
        Ok((TokenPair { access, refresh: session.refresh.clone() }, session))
    }
}
