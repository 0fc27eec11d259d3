//! `/users/phone/…`: a number is proven by a code that is sent to it.

use crate::auth::phone::{Phones, Shown};
use crate::auth::security_log::SecurityLog;
use crate::error::Fields;
use crate::extract::{Authenticated, Body, RequestContext};
use crate::limits::Limits;
use crate::routes::postal::phone::e164;
use crate::wait::SeenAt;
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::IntoResponse;
use journal::tables::short_code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(super) struct PhoneAnswer {
    success: bool,
}

const DONE: PhoneAnswer = PhoneAnswer { success: true };

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendBody {
    /// In any usual spelling
    #[schema(example = "0532 123 45 67")]
    phone: String,
}

/// Sends a code to a number.
#[utoipa::path(post, path = "/phone/send-code", operation_id = "send_phone_code", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = SendBody,
    responses((status = 200, body = PhoneAnswer), (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`account_not_found`"),
        (status = 409, description = "`phone_verification_disabled`: nobody sends text messages here"),
        (status = 429, description = "`rate_limited`; `limit` says which")))]
pub(super) async fn send_code(
    parts: PhoneParts,
    Body(body): Body<SendBody>,
) -> Result<impl IntoResponse, Problem> {
    let phone = e164(&body.phone).ok_or_else(|| Problem::field("phone", "phone_invalid"))?;
    let account = parts.caller.account;
    let context = parts.context.by(account);
    let position = parts.phones.request(&parts.limits, account, &phone, &context).await?;
    Ok((SeenAt(position), Json(DONE)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyPhoneBody {
    /// The number that the code was sent to, in any usual spelling
    #[schema(example = "+905321234567")]
    phone: String,
    #[schema(pattern = "^[0-9]{4}$", example = "1234")]
    code: String,
}

/// Proves the number; it is the profile's from now on, and no other account's.
#[utoipa::path(post, path = "/phone/verify", operation_id = "verify_phone", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])), request_body = VerifyPhoneBody,
    responses((status = 200, body = PhoneAnswer),
        (status = 400, description = "`validation_failed`, `unknown_field`, `phone_code_invalid`, `phone_code_expired`"),
        (status = 401, description = "`unauthorized`"),
        (status = 429, description = "`phone_code_locked`: too many wrong codes")))]
pub(super) async fn verify(
    parts: PhoneParts,
    Body(body): Body<VerifyPhoneBody>,
) -> Result<impl IntoResponse, Problem> {
    let mut fields = Fields::new();
    let phone = fields.take(e164(&body.phone).ok_or(()), "phone", "phone_invalid");
    fields.require(short_code::has_form(&body.code), "code", "phone_code_form");
    fields.finish()?;
    let phone = phone.ok_or_else(|| Problem::field("phone", "phone_invalid"))?;
    let Authenticated { account, session, .. } = parts.caller;
    let context = parts.context.by(account);
    let shown = Shown { phone: &phone, code: &body.code };
    let position =
        parts.phones.verify(&parts.limits, &parts.log, (account, session), shown, &context).await?;
    Ok((SeenAt(position), Json(DONE)))
}

/// Not offered: a number is proven by a code.
#[utoipa::path(post, path = "/phone/firebase-verify", operation_id = "verify_phone_by_firebase", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 400, description = "`provider_disabled`, always"),
        (status = 401, description = "`unauthorized`")))]
pub(super) async fn firebase_verify(_caller: Authenticated) -> Problem {
    Problem::bad_request("provider_disabled")
}

/// What these routes need.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct PhoneParts {
    caller: Authenticated,
    #[from_request(via(State))]
    phones: Phones,
    limits: Limits,
    log: SecurityLog,
    context: RequestContext,
}
