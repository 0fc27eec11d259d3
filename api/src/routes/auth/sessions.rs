//! `GET /auth/sessions`, `DELETE /auth/sessions/{id}`

use crate::auth::csrf_token::Bound;
use crate::auth::security_log::Origin;
use crate::auth::{Sessions, cookies};
use crate::extract::{Authenticated, PageParams, Params, PathId};
use crate::middleware::csrf::SessionChanged;
use crate::routes::listing::Page;
use crate::{ApiConfig, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use journal::Clock;
use journal::tables::security_events::Kind;
use journal::tables::sessions::{self, Device};
use serde::Serialize;
use sqlx::PgPool;
use std::sync::Arc;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceView {
    id: Uuid,
    /// The one that asks
    current: bool,
    user_agent: Option<String>,
    /// Stays logged in when the browser is closed
    remembered: bool,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// Of its last login or refresh
    #[serde(serialize_with = "crate::timestamp::serialize")]
    #[schema(value_type = String, format = DateTime)]
    used_at: OffsetDateTime,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: OffsetDateTime,
}

impl DeviceView {
    fn of(device: Device, current: Uuid) -> Self {
        Self {
            current: device.id == current,
            id: device.id,
            user_agent: device.user_agent,
            remembered: device.remember,
            created_at: device.created_at,
            used_at: device.used_at,
            expires_at: device.expires_at,
        }
    }
}

/// The devices that are logged in, the last used first.
#[utoipa::path(get, path = "/sessions", operation_id = "sessions", tag = "session",
    security(("bearer" = []), ("cookie" = [])),
    params(PageParams),
    responses((status = 200, body = Page<DeviceView>),
        (status = 400, description = "`validation_failed`, `invalid_query`"), (status = 401, description = "`unauthorized`")))]
pub(super) async fn list(
    caller: Authenticated,
    State(pool): State<PgPool>,
    State(clock): State<Clock>,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<DeviceView>>, Problem> {
    let (limit, offset) = page.bounds(LIMIT_DEFAULT, LIMIT_MAX)?;
    let (devices, total) = sessions::devices(&pool, caller.account, clock.now(), (limit, offset)).await?;
    let items = devices.into_iter().map(|device| DeviceView::of(device, caller.session)).collect();
    Ok(Json(Page { items, pagination: page.pagination(limit, total) }))
}

/// Logs out one device; what it holds is good for the rest of its access token's life. The caller's own loses its cookies.
#[utoipa::path(delete, path = "/sessions/{id}", operation_id = "revoke_session", tag = "session",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Session id")),
    responses((status = 204, description = "Logged out"), (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`session_not_found`")))]
pub(super) async fn revoke(
    caller: Authenticated,
    State(sessions): State<Sessions>,
    State(config): State<Arc<ApiConfig>>,
    origin: Origin,
    PathId(id): PathId<Uuid>,
) -> Result<Response, Problem> {
    if !sessions.end(caller.account, id, Kind::SessionRevoked, &origin).await? {
        return Err(Problem::not_found("session_not_found"));
    }
    if id != caller.session {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let gone = (cookies::logout(&config.cookies), Extension(SessionChanged(Bound::Anonymous)));
    Ok((gone, StatusCode::NO_CONTENT).into_response())
}
