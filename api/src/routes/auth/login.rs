//! `POST /auth/login`

use super::Tokens;
use crate::auth::cookies::{self, TokenPair};
use crate::auth::credentials::Credentials;
use crate::auth::{AccessTokens, Sessions};
use crate::extract::Body;
use crate::{ApiConfig, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use domain::AccountId;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    email: String,
    password: String,
    /// Keep the login when the browser is closed
    #[serde(default)]
    remember: bool,
}

/// Logs in, by cookies and, for clients that keep none, tokens.
#[utoipa::path(post, path = "/login", tag = "session", request_body = LoginBody, responses(
    (status = 200, body = Tokens),
    (status = 401, description = "`invalid_credentials`"),
))]
pub(super) async fn login(
    State(credentials): State<Credentials>,
    State(config): State<Arc<ApiConfig>>,
    State(sessions): State<Sessions>,
    State(tokens): State<AccessTokens>,
    headers: HeaderMap,
    Body(body): Body<LoginBody>,
) -> Result<impl IntoResponse, Problem> {
    let row = credentials.proven(&body.email, &body.password).await?;
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let session = sessions.begin(AccountId(row.id), body.remember, user_agent).await?;
    let access = tokens.issue(session.account, row.role.0, session.id, sessions.clock.now())?;
    let pair = TokenPair { access, refresh: session.refresh };
    let jar = cookies::login(&config.cookies, &config.tokens, &pair, body.remember);
    let answer = Tokens { ok: true, access_token: Some(pair.access), refresh_token: Some(pair.refresh) };
    Ok(([(header::CACHE_CONTROL, "no-store")], jar, Json(answer)))
}
