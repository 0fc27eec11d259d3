//! `/users/privacy-settings`: what others may see of a person. A bare object.

use crate::Problem;
use crate::extract::{Authenticated, Body, IfMatch};
use crate::routes::held::held;
use axum::Json;
use axum::extract::State;
use journal::Clock;
use journal::tables::privacy::{self, Privacy};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

/// Absent keys stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the contract's keys")]
pub(super) struct PrivacyBody {
    show_email: Option<bool>,
    show_phone: Option<bool>,
    show_address: Option<bool>,
    show_portfolio: Option<bool>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the contract's keys")]
pub(super) struct PrivacyView {
    show_email: bool,
    show_phone: bool,
    show_address: bool,
    show_portfolio: bool,
}

impl From<Privacy> for PrivacyView {
    fn from(privacy: Privacy) -> Self {
        Self {
            show_email: privacy.show_email,
            show_phone: privacy.show_phone,
            show_address: privacy.show_address,
            show_portfolio: privacy.show_portfolio,
        }
    }
}

/// What others may see; at first the portfolio alone.
#[utoipa::path(get, path = "/privacy-settings", operation_id = "privacy_settings", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = PrivacyView), (status = 401, description = "`unauthorized`")))]
pub(super) async fn show(
    caller: Authenticated,
    State(pool): State<PgPool>,
) -> Result<Json<PrivacyView>, Problem> {
    Ok(Json(privacy::get(&pool, caller.account).await?.unwrap_or_default().into()))
}

/// Changes what others may see.
#[utoipa::path(put, path = "/privacy-settings", operation_id = "update_privacy_settings", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = PrivacyBody,
    responses((status = 200, body = PrivacyView),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`account_not_found`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn put(
    caller: Authenticated,
    State(pool): State<PgPool>,
    State(clock): State<Clock>,
    if_match: IfMatch,
    Body(body): Body<PrivacyBody>,
) -> Result<Json<PrivacyView>, Problem> {
    change(caller, &pool, &clock, body, &if_match).await
}

/// The same as `PUT /users/privacy-settings`.
#[utoipa::path(put, path = "/me/privacy", operation_id = "update_my_privacy", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = PrivacyBody,
    responses((status = 200, body = PrivacyView),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`account_not_found`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn put_me(
    caller: Authenticated,
    State(pool): State<PgPool>,
    State(clock): State<Clock>,
    if_match: IfMatch,
    Body(body): Body<PrivacyBody>,
) -> Result<Json<PrivacyView>, Problem> {
    change(caller, &pool, &clock, body, &if_match).await
}

async fn change(
    caller: Authenticated,
    pool: &PgPool,
    clock: &Clock,
    body: PrivacyBody,
    if_match: &IfMatch,
) -> Result<Json<PrivacyView>, Problem> {
    let mut tx = held(pool, caller.account).await?;
    let before = privacy::get(&mut *tx, caller.account).await?.unwrap_or_default();
    if_match.check(&PrivacyView::from(before))?;
    let after = Privacy {
        show_email: body.show_email.unwrap_or(before.show_email),
        show_phone: body.show_phone.unwrap_or(before.show_phone),
        show_address: body.show_address.unwrap_or(before.show_address),
        show_portfolio: body.show_portfolio.unwrap_or(before.show_portfolio),
    };
    privacy::store(&mut *tx, caller.account, after, clock.now()).await?;
    tx.commit().await?;
    Ok(Json(after.into()))
}
