//! `GET /audit/security-events`

use crate::Problem;
use crate::extract::{Auditor, PageParams, Params};
use crate::routes::listing::Page;
use axum::Json;
use axum::extract::State;
use domain::AccountId;
use journal::tables::security_events::{self, Kind, Search, SecurityEvent};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only those of this account
    account: Option<Uuid>,
    /// Only those of this kind, such as `login_failed`
    #[param(schema_with = kinds)]
    kind: Option<String>,
}

fn kinds() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Kind::ALL.map(Kind::name))).build()
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityEventView {
    id: i64,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    #[schema(value_type = String, format = DateTime)]
    at: OffsetDateTime,
    #[schema(example = "login_failed")]
    kind: String,
    /// Absent where the address that was given has no account
    account_id: Option<Uuid>,
    client_ip: Option<String>,
    user_agent: Option<String>,
    session_id: Option<Uuid>,
    request_id: Uuid,
}

impl From<SecurityEvent> for SecurityEventView {
    fn from(row: SecurityEvent) -> Self {
        Self {
            id: row.id,
            at: row.at,
            kind: row.kind,
            account_id: row.account_id,
            client_ip: row.client_ip,
            user_agent: row.user_agent,
            session_id: row.session_id,
            request_id: row.request_id,
        }
    }
}

/// Logins, failures, locks, logouts, stolen tokens and new passwords, newest first.
#[utoipa::path(get, path = "/security-events", operation_id = "security_events", tag = "audit",
    security(("bearer" = []), ("cookie" = [])), params(PageParams, Filter),
    responses((status = 200, body = Page<SecurityEventView>),
        (status = 400, description = "`validation_failed`, `invalid_query`"),
        (status = 401, description = "`unauthorized`"), (status = 403, description = "`forbidden`")))]
pub(super) async fn security_events(
    _: Auditor,
    State(pool): State<PgPool>,
    Params(page): Params<PageParams>,
    Params(filter): Params<Filter>,
) -> Result<Json<Page<SecurityEventView>>, Problem> {
    let (limit, offset) = page.bounds(LIMIT_DEFAULT, LIMIT_MAX)?;
    let kind = filter.kind.as_deref().map(|name| Kind::ALL.into_iter().find(|kind| kind.name() == name));
    let kind = kind.map(|known| known.ok_or_else(|| Problem::field("kind", "invalid_value"))).transpose()?;
    let search = Search { account: filter.account.map(AccountId), kind, offset, limit };
    let (rows, total) = security_events::list(&pool, search).await?;
    let items = rows.into_iter().map(SecurityEventView::from).collect();
    Ok(Json(Page { items, pagination: page.pagination(limit, total) }))
}
