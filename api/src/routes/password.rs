//! `POST /users/me/change-password`, `PUT /users/password`

use crate::auth::credentials::Credentials;
use crate::auth::new_password::{By, NewPasswords};
use crate::auth::password;
use crate::auth::security_log::SecurityLog;
use crate::error::Fields;
use crate::extract::{Authenticated, Body, RequestContext};
use crate::limits::Limits;
use crate::wait::SeenAt;
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::IntoResponse;
use journal::tables::accounts;
use journal::tables::security_events::Kind;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the contract's keys")]
pub(super) struct ChangeBody {
    current_password: String,
    /// 8 to 128 characters with upper and lower case, a digit and a special character
    #[schema(min_length = 8, max_length = 128)]
    new_password: String,
    /// The same again
    #[schema(min_length = 8, max_length = 128)]
    confirm_new_password: String,
}

impl ChangeBody {
    fn check(&self) -> Result<(), Problem> {
        let mut fields = Fields::new();
        password::check_rule(&mut fields, "newPassword", &self.new_password);
        fields.require(
            self.new_password == self.confirm_new_password,
            "confirmNewPassword",
            "passwords_differ",
        );
        fields.require(self.new_password != self.current_password, "newPassword", "password_unchanged");
        fields.finish()
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Changed {
    success: bool,
}

/// What a change needs.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct Change {
    caller: Authenticated,
    #[from_request(via(State))]
    credentials: Credentials,
    #[from_request(via(State))]
    passwords: NewPasswords,
    #[from_request(via(State))]
    pool: PgPool,
    context: RequestContext,
    limits: Limits,
    log: SecurityLog,
}

/// A new password; every other device is logged out.
#[utoipa::path(post, path = "/me/change-password", operation_id = "change_password", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = ChangeBody,
    responses((status = 200, body = Changed),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 409, description = "`password_changed_meanwhile`"),
        (status = 429, description = "`rate_limited`")))]
pub(super) async fn post(change: Change, Body(body): Body<ChangeBody>) -> Result<impl IntoResponse, Problem> {
    change.make(body).await
}

/// The same as `POST /users/me/change-password`.
#[utoipa::path(put, path = "/password", operation_id = "put_password", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = ChangeBody,
    responses((status = 200, body = Changed),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 409, description = "`password_changed_meanwhile`"),
        (status = 429, description = "`rate_limited`")))]
pub(super) async fn put(change: Change, Body(body): Body<ChangeBody>) -> Result<impl IntoResponse, Problem> {
    change.make(body).await
}

impl Change {
    async fn make(self, body: ChangeBody) -> Result<impl IntoResponse, Problem> {
        body.check()?;
        let Authenticated { account, session, .. } = self.caller;
        let row = accounts::get(&self.pool, account).await?.ok_or_else(Problem::unauthorized)?;
        // A stolen access token must not become the password by guessing.
        let rule = self.limits.rules().password_change;
        let taken = self.limits.count(rule, &account.to_string()).await?;
        self.log.admit(taken, Some(account), "rate_limited").await?;
        if !self.credentials.matches(&row, &body.current_password).await? {
            self.log.note(Kind::PasswordCheckFailed, Some(account), Some(session)).await?;
            return Err(Problem::field("currentPassword", "current_password_wrong"));
        }
        let context = self.context.by(account);
        let by = By { context: &context, origin: &self.log.origin };
        let position = self.passwords.change(&row, session, &body.new_password, by).await?;
        self.limits.limiter().forget(rule, &account.to_string()).await;
        Ok((SeenAt(position), Json(Changed { success: true })))
    }
}
