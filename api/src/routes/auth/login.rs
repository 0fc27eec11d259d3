//! `POST /auth/login`

use super::Tokens;
use crate::auth::cookies::{self, TokenPair};
use crate::auth::credentials::Credentials;
use crate::auth::csrf_token::Bound;
use crate::auth::guard::{self, Locked};
use crate::auth::security_log::SecurityLog;
use crate::auth::{AccessTokens, Sessions};
use crate::extract::Body;
use crate::limits::Limits;
use crate::middleware::csrf::SessionChanged;
use crate::{ApiConfig, AppState, Problem};
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use axum_extra::extract::cookie::CookieJar;
use domain::AccountId;
use journal::tables::accounts::AccountRow;
use journal::tables::security_events::Kind;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    email: String,
    #[schema(min_length = 1)]
    password: String,
    /// Keep the login when the browser is closed
    #[serde(default)]
    remember: bool,
}

/// Logs in, by cookies and, for clients that keep none, tokens.
#[utoipa::path(post, path = "/login", tag = "session", request_body = LoginBody, responses(
    (status = 200, body = Tokens),
    (status = 400, description = "`validation_failed`, `unknown_field`"),
    (status = 401, description = "`invalid_credentials`"),
    (status = 429, description = "`login_locked` after too many failures from this client, `rate_limited`"),
))]
pub(super) async fn login(
    State(config): State<Arc<ApiConfig>>,
    State(sessions): State<Sessions>,
    State(tokens): State<AccessTokens>,
    gate: Gate,
    jar: CookieJar,
    Body(body): Body<LoginBody>,
) -> Result<impl IntoResponse, Problem> {
    if body.password.is_empty() {
        return Err(Problem::field("password", "required"));
    }
    let row = gate.opened(&config, &jar, &body).await?;
    let account = AccountId(row.id);
    let session = sessions.begin(&row, body.remember, &gate.log.origin).await?;
    let access = tokens.issue(account, row.role.0, session.id, sessions.clock.now())?;
    let pair = TokenPair { access, refresh: session.refresh };
    let mut set = cookies::login(&config.cookies, &config.tokens, &pair, body.remember);
    if let Some(device) = guard::remembered(&config.server_secret, &jar, account, sessions.chance) {
        set = set.add(cookies::device(&config.cookies, device));
    }
    let answer = Tokens {
        ok: true,
        access_token: Some(pair.access),
        refresh_token: Some(pair.refresh),
        expires_in: config.tokens.access_life.as_secs(),
    };
    let changed = Extension(SessionChanged(Bound::Session(session.id)));
    Ok(([(header::CACHE_CONTROL, "no-store")], set, changed, Json(answer)))
}

/// What stands between an attempt and a session.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct Gate {
    #[from_request(via(State))]
    credentials: Credentials,
    limits: Limits,
    log: SecurityLog,
}

impl Gate {
    async fn opened(
        &self,
        config: &ApiConfig,
        jar: &CookieJar,
        body: &LoginBody,
    ) -> Result<AccountRow, Problem> {
        let row = self.credentials.find(&body.email).await?;
        let account = row.as_ref().map(|row| AccountId(row.id));
        let attempt =
            match guard::admit(&self.limits, &config.server_secret, jar, &body.email, account).await? {
                Ok(attempt) => attempt,
                Err(Locked { problem, first }) => {
                    if first {
                        self.log.note(Kind::LoginLocked, account, None).await?;
                    }
                    return Err(problem);
                }
            };
        match self.credentials.proven(row, &body.password).await {
            Ok(row) => {
                attempt.succeeded(&self.limits).await;
                Ok(row)
            }
            Err(problem) => {
                if problem.code == "invalid_credentials" {
                    self.log.note(Kind::LoginFailed, account, None).await?;
                }
                Err(problem)
            }
        }
    }
}
