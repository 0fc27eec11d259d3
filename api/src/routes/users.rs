//! `/users`: the account that is logged in. Answers have the old envelope `{"success":true,"data":…}`.

use crate::extract::Authenticated;
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::State;
use cqrs_es::Aggregate;
use domain::account::{Account, Proof, Role};
use domain::{AccountId, Event};
use journal::tables::accounts;
use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(users_me))
        .routes(routes!(super::password::post))
        .routes(routes!(super::password::put))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    success: bool,
    data: MeData,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MeData {
    id: Uuid,
    email: String,
    name: Option<String>,
    #[schema(value_type = String, example = "customer")]
    role: Role,
    email_verified: bool,
    /// Not kept yet
    avatar_url: Option<String>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
}

/// Who is logged in.
#[utoipa::path(get, path = "/me", operation_id = "users_me", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Me), (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`account_not_found`")))]
pub(super) async fn users_me(caller: Authenticated, State(pool): State<PgPool>) -> Result<Json<Me>, Problem> {
    me(caller, &pool).await
}

/// The same as `GET /users/me`.
#[utoipa::path(get, path = "/me", operation_id = "auth_me", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Me), (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`account_not_found`")))]
pub(super) async fn auth_me(caller: Authenticated, State(pool): State<PgPool>) -> Result<Json<Me>, Problem> {
    me(caller, &pool).await
}

async fn me(caller: Authenticated, pool: &PgPool) -> Result<Json<Me>, Problem> {
    let row = accounts::get(pool, caller.account).await?;
    let row = row.ok_or_else(|| Problem::not_found("account_not_found"))?;
    let data = MeData {
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role.0,
        email_verified: is_verified(pool, caller.account).await?,
        avatar_url: None,
        created_at: row.created_at,
    };
    Ok(Json(Me { success: true, data }))
}

/// From the account's own few events, so that it is true at once.
async fn is_verified(pool: &PgPool, account: AccountId) -> Result<bool, Problem> {
    let stream = journal::read::stream(pool, Account::TYPE, &account.to_string()).await;
    let mut state = Account::default();
    for envelope in stream.map_err(Problem::internal)? {
        if let Event::Account(event) = envelope.decode().map_err(Problem::internal)? {
            state.apply(event);
        }
    }
    Ok(state.registered().is_some_and(|person| matches!(person.email, Proof::Proven { .. })))
}
