//! `/users`: the account that is logged in. Answers have the old envelope `{"success":true,"data":…}`.

mod avatar;
mod phone;
mod privacy;
mod profile;
mod profile_body;
mod profile_view;
mod standing;

use crate::extract::Authenticated;
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use domain::AccountId;
use domain::account::Role;
use journal::tables::accounts::role_name;
use journal::tables::profiles::ProfileRow;
use journal::tables::{accounts, avatars, profiles};
use profile_view::ProfileView;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use standing::Standing;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use uuid::Uuid;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(users_me))
        .routes(routes!(profile::put_me))
        .routes(routes!(profile::put_profile))
        .routes(routes!(privacy::show, privacy::put))
        .routes(routes!(privacy::put_me))
        .routes(routes!(avatar::upload).layer(DefaultBodyLimit::max(avatar::BODY_BYTES_MAX)))
        .routes(routes!(avatar::remove))
        .routes(routes!(phone::send_code))
        .routes(routes!(phone::verify))
        .routes(routes!(phone::firebase_verify))
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
    #[schema(schema_with = role_schema)]
    role: Role,
    email_verified: bool,
    #[schema(example = "/uploads/avatars/0a1b.jpg")]
    avatar_url: Option<String>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
    /// Null until something was written there; never of a designer
    profile: Option<ProfileView>,
}

fn role_schema() -> Schema {
    let names = [Role::Customer, Role::Designer, Role::Admin, Role::Auditor].map(role_name);
    Schema::Object(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build())
}

/// Who is logged in.
#[utoipa::path(get, path = "/me", operation_id = "users_me", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Me), (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`account_not_found`")))]
pub(super) async fn users_me(caller: Authenticated, State(pool): State<PgPool>) -> Result<Json<Me>, Problem> {
    me(caller.account, &mut *pool.acquire().await?).await.map(Json)
}

/// The same as `GET /users/me`.
#[utoipa::path(get, path = "/me", operation_id = "auth_me", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Me), (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`account_not_found`")))]
pub(super) async fn auth_me(caller: Authenticated, State(pool): State<PgPool>) -> Result<Json<Me>, Problem> {
    me(caller.account, &mut *pool.acquire().await?).await.map(Json)
}

async fn me(account: AccountId, connection: &mut PgConnection) -> Result<Me, Problem> {
    let row = accounts::get(&mut *connection, account).await?;
    let row = row.ok_or_else(|| Problem::not_found("account_not_found"))?;
    let standing = Standing::of(&mut *connection, account).await?;
    // A designer has agreed to something there.
    let none = || (row.role.0 == Role::Designer).then(|| ProfileRow::empty(account));
    let profile = profiles::get(&mut *connection, account).await?.or_else(none);
    let data = MeData {
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role.0,
        email_verified: standing.email_verified,
        avatar_url: avatars::get(&mut *connection, account).await?.as_deref().map(avatar::url),
        created_at: row.created_at,
        profile: profile.map(|profile| ProfileView::of(profile, row.role.0, &standing)),
    };
    Ok(Me { success: true, data })
}
