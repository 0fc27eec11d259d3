//! `POST /auth/forgot-password`, `POST /auth/verify-reset-code`, `POST /auth/reset-password`

use super::{DONE, Done};
use crate::auth::email::Email;
use crate::auth::new_password::{By, NewPasswords};
use crate::auth::reset::{Proven, Resets};
use crate::auth::security_log::SecurityLog;
use crate::auth::{evenly, password};
use crate::error::Fields;
use crate::extract::{Body, RequestContext};
use crate::limits::Limits;
use crate::wait::SeenAt;
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::IntoResponse;
use journal::tables::security_events::Kind;
use journal::tables::short_code;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgotBody {
    #[schema(
        max_length = 254,
        pattern = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$",
        example = "ayse@example.com"
    )]
    email: String,
}

/// A mail with a link and a code for a new password; the answer is the same for every address.
#[utoipa::path(post, path = "/forgot-password", tag = "accounts", request_body = ForgotBody, responses(
    (status = 200, body = Done),
    (status = 400, description = "`validation_failed`, `unknown_field`"),
    (status = 429, description = "`rate_limited`"),
))]
pub(super) async fn forgot_password(
    parts: ResetParts,
    Body(ForgotBody { email }): Body<ForgotBody>,
) -> Result<Json<Done>, Problem> {
    let email = Email::parse(&email).ok_or_else(|| Problem::field("email", "email_invalid"))?;
    let ResetParts { resets, limits, log, context } = parts;
    let subject = format!("{} {}", email.comparable(), limits.client.subject());
    limits.take(limits.rules().password_reset, &subject).await?;
    limits.take(limits.rules().password_reset_day, &subject).await?;
    let answer = evenly(async {
        // Those that were mailed are still good: nobody is kept out by others who ask.
        let mails = limits.limiter().take(limits.rules().reset_mails, &email.comparable()).await?;
        if mails.exceeds() {
            return Ok(());
        }
        let context = context.by_system("forgot-password", context.fresh_id());
        if let Some(account) = resets.request(&email, &context).await? {
            log.note(Kind::PasswordResetRequested, Some(account), None).await?;
        }
        Ok::<_, Problem>(())
    });
    answer.await.map(|()| Json(DONE))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    email: String,
    /// Four digits
    code: String,
}

/// Whether a code is good; it stays so.
#[utoipa::path(post, path = "/verify-reset-code", tag = "accounts", request_body = CodeBody, responses(
    (status = 200, body = Done),
    (status = 400, description = "`validation_failed`, `unknown_field`, `reset_invalid`"),
    (status = 429, description = "`reset_code_locked`: only the link is good now; `rate_limited`"),
))]
pub(super) async fn verify_reset_code(
    parts: ResetParts,
    Body(body): Body<CodeBody>,
) -> Result<Json<Done>, Problem> {
    let mut fields = Fields::new();
    let email = fields.take(Email::parse(&body.email).ok_or(()), "email", "email_invalid");
    fields.require(short_code::has_form(&body.code), "code", "reset_code_form");
    fields.finish()?;
    let email = email.ok_or_else(|| Problem::field("email", "email_invalid"))?;
    evenly(parts.resets.by_code(&parts.limits, &parts.log, &email, &body.code)).await?;
    Ok(Json(DONE))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ResetBody {
    /// With `code`
    email: Option<String>,
    /// Four digits, from the mail
    code: Option<String>,
    /// From the mailed link; instead of `email` and `code`
    token: Option<String>,
    /// 8 to 128 characters with upper and lower case, a digit and a special character
    password: String,
    /// Equal to `password`, if it is sent
    confirm_password: Option<String>,
}

/// What gives the right to a new password.
enum Shown {
    Token(String),
    Code { email: Email, code: String },
}

impl ResetBody {
    fn checked(self) -> Result<(Shown, String), Problem> {
        let mut fields = Fields::new();
        password::check_rule(&mut fields, "password", &self.password);
        let differs = self.confirm_password.is_some_and(|confirmed| confirmed != self.password);
        fields.require(!differs, "confirmPassword", "passwords_differ");
        let shown = match (self.token, self.email, self.code) {
            (Some(token), None, None) => Some(Shown::Token(token)),
            (None, email, code) => {
                let email =
                    fields.take(Email::parse(&email.unwrap_or_default()).ok_or(()), "email", "email_invalid");
                let code = code.unwrap_or_default();
                fields.require(short_code::has_form(&code), "code", "reset_code_form");
                email.map(|email| Shown::Code { email, code })
            }
            (Some(_), _, _) => {
                fields.refuse("token", "token_or_code");
                None
            }
        };
        fields.finish()?;
        let shown = shown.ok_or_else(|| Problem::field("token", "token_or_code"))?;
        Ok((shown, self.password))
    }
}

/// A new password, by code or link; every device is logged out.
#[utoipa::path(post, path = "/reset-password", tag = "accounts", request_body = ResetBody, responses(
    (status = 200, body = Done),
    (status = 400, description = "`validation_failed`, `unknown_field`, `reset_invalid`, `reset_expired`"),
    (status = 429, description = "`reset_code_locked`: only the link is good now; `rate_limited`"),
))]
pub(super) async fn reset_password(
    parts: ResetParts,
    State(passwords): State<NewPasswords>,
    Body(body): Body<ResetBody>,
) -> Result<impl IntoResponse, Problem> {
    let (shown, password) = body.checked()?;
    let Proven { account, selector } = match shown {
        Shown::Token(token) => parts.resets.by_token(&token)?,
        Shown::Code { email, code } => {
            evenly(parts.resets.by_code(&parts.limits, &parts.log, &email, &code)).await?
        }
    };
    let context = parts.context.by(account);
    let by = By { context: &context, origin: &parts.log.origin };
    let position = passwords.reset(account, selector, &password, by).await?;
    Ok((SeenAt(position), Json(DONE)))
}

/// What these routes need.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct ResetParts {
    #[from_request(via(State))]
    resets: Resets,
    limits: Limits,
    log: SecurityLog,
    context: RequestContext,
}
