//! `/auth`: one file per endpoint. Answers have the old envelope `{"ok":true, …}`.

mod login;
mod logout;
mod refresh;
mod register;
mod reset;
mod sessions;
mod verification;

use crate::AppState;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(logout::logout_all))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::revoke))
        .routes(routes!(verification::verify_email))
        .routes(routes!(verification::resend_verification))
        .routes(routes!(reset::forgot_password))
        .routes(routes!(reset::verify_reset_code))
        .routes(routes!(reset::reset_password))
        .routes(routes!(super::users::auth_me))
}

/// Done, and nothing to say.
#[derive(Debug, Serialize, ToSchema)]
struct Done {
    ok: bool,
}

const DONE: Done = Done { ok: true };

/// Tokens in the body, for clients that keep no cookies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Seconds until the access token has to be refreshed, also the one in the cookie
    #[schema(example = 900)]
    expires_in: u64,
}
