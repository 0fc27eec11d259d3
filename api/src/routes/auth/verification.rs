//! `POST /auth/verify-email`, `POST /auth/resend-verification`

use super::{DONE, Done};
use crate::Problem;
use crate::auth::email::Email;
use crate::auth::evenly;
use crate::auth::registration::Registration;
use crate::auth::verification::Verifier;
use crate::extract::{Body, RequestContext};
use crate::limits::Limits;
use crate::wait::SeenAt;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyBody {
    /// From the mailed link
    token: String,
}

/// Proves the address; a second time is no error.
#[utoipa::path(post, path = "/verify-email", tag = "accounts", request_body = VerifyBody, responses(
    (status = 200, body = Done),
    (status = 400, description = "`verification_invalid`, `verification_expired`"),
))]
pub(super) async fn verify_email(
    State(verifier): State<Verifier>,
    context: RequestContext,
    Body(VerifyBody { token }): Body<VerifyBody>,
) -> Result<impl IntoResponse, Problem> {
    let position = verifier.verify(&token, &context).await?;
    Ok((SeenAt(position), Json(DONE)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResendBody {
    #[schema(
        max_length = 254,
        pattern = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
    )]
    email: String,
}

/// Another link; the answer is the same for every address.
#[utoipa::path(post, path = "/resend-verification", tag = "accounts", request_body = ResendBody, responses(
    (status = 200, body = Done),
    (status = 400, description = "`validation_failed`"),
    (status = 429, description = "`rate_limited`"),
))]
pub(super) async fn resend_verification(
    State(registration): State<Registration>,
    context: RequestContext,
    limits: Limits,
    Body(ResendBody { email }): Body<ResendBody>,
) -> Result<Json<Done>, Problem> {
    let email = Email::parse(&email).ok_or_else(|| Problem::field("email", "email_invalid"))?;
    let subject = format!("{} {}", email.comparable(), limits.client.subject());
    limits.take(limits.rules().email_verification, &subject).await?;
    let answer = evenly(async {
        // Whoever asks from many clients fills nobody's mailbox; the answer does not tell.
        let mails = limits.limiter().take(limits.rules().mails, &email.comparable()).await?;
        if mails.exceeds() {
            return Ok(());
        }
        let context = context.by_system("resend-verification", context.fresh_id());
        Ok::<_, Problem>(registration.resend(&email, &context).await?)
    });
    answer.await.map(|()| Json(DONE))
}
