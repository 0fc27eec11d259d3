//! `POST /auth/logout`, `POST /auth/logout-all`

use super::{DONE, Done};
use crate::auth::csrf_token::Bound;
use crate::auth::security_log::Origin;
use crate::auth::{Sessions, cookies};
use crate::extract::{Authenticated, OptionalBody};
use crate::middleware::csrf::SessionChanged;
use crate::{ApiConfig, Problem};
use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use axum_extra::extract::cookie::CookieJar;
use journal::tables::security_events::Kind;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LogoutBody {
    refresh_token: Option<String>,
}

/// Ends this session, however it is shown; 200 also when there is none.
#[utoipa::path(post, path = "/logout", tag = "session", request_body = Option<LogoutBody>,
    responses((status = 200, body = Done)))]
pub(super) async fn logout(
    State(config): State<Arc<ApiConfig>>,
    State(sessions): State<Sessions>,
    caller: Option<Authenticated>,
    jar: CookieJar,
    origin: Origin,
    OptionalBody(body): OptionalBody<LogoutBody>,
) -> Result<impl IntoResponse, Problem> {
    let given = body.and_then(|body| body.refresh_token);
    let cookie = jar.get(cookies::REFRESH).map(|cookie| cookie.value().to_owned());
    for token in [given, cookie].into_iter().flatten() {
        sessions.end_by_token(&token, &origin).await?;
    }
    if let Some(Authenticated { account, session, .. }) = caller {
        sessions.end(account, session, Kind::LoggedOut, &origin).await?;
    }
    Ok((cookies::logout(&config.cookies), Extension(SessionChanged(Bound::Anonymous)), Json(DONE)))
}

/// Ends all sessions of the account, on every device.
#[utoipa::path(post, path = "/logout-all", tag = "session", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Done), (status = 401, description = "`unauthorized`")))]
pub(super) async fn logout_all(
    caller: Authenticated,
    State(config): State<Arc<ApiConfig>>,
    State(sessions): State<Sessions>,
    origin: Origin,
) -> Result<impl IntoResponse, Problem> {
    sessions.end_all(caller.account, &origin).await?;
    Ok((cookies::logout(&config.cookies), Extension(SessionChanged(Bound::Anonymous)), Json(DONE)))
}
