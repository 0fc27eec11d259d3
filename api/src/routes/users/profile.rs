//! `PUT /users/me` and `PUT /users/profile`, which are the same.

use super::me;
use super::profile_body::ProfileBody;
use super::profile_view::ProfileView;
use super::standing::Standing;
use crate::Problem;
use crate::extract::{Authenticated, Body, IfMatch};
use crate::routes::held::held;
use axum::Json;
use axum::extract::State;
use domain::AccountId;
use domain::account::Role;
use journal::Clock;
use journal::tables::profiles::{Details, ProfileRow};
use journal::tables::{accounts, profiles};
use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(super) struct ProfileAnswer {
    success: bool,
    data: ProfileView,
}

/// Changes name and profile; the profile is made when there is none.
#[utoipa::path(put, path = "/me", operation_id = "update_me", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = ProfileBody,
    responses((status = 200, body = ProfileAnswer),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`account_not_found`"),
        (status = 412, description = "`precondition_failed`: `GET /users/me` answers something else by now")))]
pub(super) async fn put_me(
    caller: Authenticated,
    State(pool): State<PgPool>,
    State(clock): State<Clock>,
    if_match: IfMatch,
    Body(body): Body<ProfileBody>,
) -> Result<Json<ProfileAnswer>, Problem> {
    put(caller, &pool, &clock, body, &if_match).await
}

/// The same as `PUT /users/me`.
#[utoipa::path(put, path = "/profile", operation_id = "update_profile", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = ProfileBody,
    responses((status = 200, body = ProfileAnswer),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`account_not_found`"),
        (status = 412, description = "`precondition_failed`: `GET /users/me` answers something else by now")))]
pub(super) async fn put_profile(
    caller: Authenticated,
    State(pool): State<PgPool>,
    State(clock): State<Clock>,
    if_match: IfMatch,
    Body(body): Body<ProfileBody>,
) -> Result<Json<ProfileAnswer>, Problem> {
    put(caller, &pool, &clock, body, &if_match).await
}

async fn put(
    caller: Authenticated,
    pool: &PgPool,
    clock: &Clock,
    body: ProfileBody,
    if_match: &IfMatch,
) -> Result<Json<ProfileAnswer>, Problem> {
    let row = change(pool, caller.account, body, if_match, clock.now()).await?;
    let account = accounts::get(pool, caller.account).await?;
    let role: Role = account.ok_or_else(|| Problem::not_found("account_not_found"))?.role.0;
    let standing = Standing::of(pool, caller.account).await?;
    Ok(Json(ProfileAnswer { success: true, data: ProfileView::of(row, role, &standing) }))
}

async fn change(
    pool: &PgPool,
    account: AccountId,
    body: ProfileBody,
    if_match: &IfMatch,
    now: OffsetDateTime,
) -> Result<ProfileRow, Problem> {
    let mut tx = held(pool, account).await?;
    if if_match.is_given() {
        // Whoever changes what it shows waits for this transaction.
        if_match.check(&me(account, &mut tx).await?)?;
    }
    let stored = profiles::get(&mut *tx, account).await?;
    let (details, verified_at) =
        stored.map_or((Details::default(), None), |row| (row.details, row.phone_verified_at));
    let changed = body.checked(&details)?;
    let same_phone = changed.details.phone == details.phone;
    let row = ProfileRow {
        account_id: account.0,
        details: changed.details,
        phone_verified_at: verified_at.filter(|_| same_phone),
    };
    profiles::store(&mut *tx, &row, now).await?;
    if let Some(name) = changed.name {
        accounts::rename(&mut *tx, account, name.as_deref(), now).await?;
    }
    tx.commit().await?;
    Ok(row)
}
