//! `POST /auth/refresh`

use super::Tokens;
use crate::auth::cookies::{self, TokenPair};
use crate::auth::session::Session;
use crate::auth::{AccessTokens, Sessions};
use crate::extract::OptionalBody;
use crate::{ApiConfig, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
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
    State(pool): State<PgPool>,
    State(config): State<Arc<ApiConfig>>,
    State(sessions): State<Sessions>,
    State(tokens): State<AccessTokens>,
    jar: CookieJar,
    OptionalBody(body): OptionalBody<RefreshBody>,
) -> Result<Response, Problem> {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    if let Some(token) = body.and_then(|body| body.refresh_token) {
        let (pair, _) = renewed(&pool, &sessions, &tokens, &token).await?;
        let answer = Tokens { ok: true, access_token: Some(pair.access), refresh_token: Some(pair.refresh) };
        return Ok((no_store, Json(answer)).into_response());
    }
    let token = jar.get(cookies::REFRESH).ok_or_else(Problem::unauthorized)?.value();
    match renewed(&pool, &sessions, &tokens, token).await {
        Ok((pair, session)) => {
            let jar = cookies::login(&config.cookies, &config.tokens, &pair, session.remember);
            let answer = Tokens { ok: true, access_token: None, refresh_token: None };
            Ok((no_store, jar, Json(answer)).into_response())
        }
        // The browser need not try this one again.
        Err(problem) if problem.status.is_client_error() => {
            Ok((cookies::logout(&config.cookies), problem).into_response())
        }
        Err(problem) => Err(problem),
    }
}

/// The role is read anew, so that a changed one takes effect now.
async fn renewed(
    pool: &PgPool,
    sessions: &Sessions,
    tokens: &AccessTokens,
    token: &str,
) -> Result<(TokenPair, Session), Problem> {
    let session = sessions.renew(token).await?;
    let row = accounts::get(pool, session.account).await?.ok_or_else(Problem::unauthorized)?;
    let access = tokens.issue(session.account, row.role.0, session.id, sessions.clock.now())?;
    Ok((TokenPair { access, refresh: session.refresh.clone() }, session))
}
