//! The page behind the mailed link. Opening it changes nothing, so that mail scanners verify nobody; its button does.

use crate::auth::verification::Verifier;
use crate::error::ProblemBody;
use crate::extract::{Locale, RequestContext};
use crate::middleware::csrf::CsrfToken;
use crate::pages::{self, VerifyPage};
use crate::{ApiConfig, AppState, Problem};
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// `no-referrer` would make browsers send `Origin: null` with the form; the link must still not leave this site.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(page, submit))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

/// The page with the button.
#[utoipa::path(get, path = "/verify-email", tag = "accounts",
    params(("token" = Option<String>, Query, description = "From the mailed link")),
    responses((status = 200, description = "A page whose button verifies the address", content_type = "text/html"))
)]
async fn page(
    locale: Locale,
    Extension(csrf): Extension<CsrfToken>,
    Query(Link { token }): Query<Link>,
) -> Response {
    shown(StatusCode::OK, &VerifyPage::Ask { token: &token, csrf: &csrf.value }, locale)
}

#[derive(Deserialize, ToSchema)]
struct Submitted {
    token: String,
    csrf: String,
}

/// What the button sends. The form repeats the CSRF cookie, since a form cannot send the header.
#[utoipa::path(post, path = "/verify-email", tag = "accounts",
    request_body(content = Submitted, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The address is verified", content_type = "text/html"),
        (status = 400, description = "A page: the link is not good, or not any more; `malformed_body`: a problem",
            content((String = "text/html"), (ProblemBody = "application/problem+json"))),
        (status = 403, description = "`csrf_token_invalid`"))
)]
async fn submit(
    State(verifier): State<Verifier>,
    State(config): State<Arc<ApiConfig>>,
    locale: Locale,
    context: RequestContext,
    Extension(expected): Extension<CsrfToken>,
    form: Result<Form<Submitted>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(Submitted { token, csrf }) = form.map_err(|rejection| unreadable(&rejection))?;
    if !expected.is_repeated_by(&csrf) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "csrf_token_invalid"));
    }
    match verifier.verify(&token, &context).await {
        Ok(_) => Ok(shown(StatusCode::OK, &VerifyPage::Done { shop: config.shop_url.as_str() }, locale)),
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => Ok(shown(
            StatusCode::BAD_REQUEST,
            &VerifyPage::Refused { shop: config.shop_url.as_str() },
            locale,
        )),
        Err(problem) => Err(problem),
    }
}

fn unreadable(rejection: &FormRejection) -> Problem {
    match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => Problem::bad_request("malformed_body"),
        other => Problem::new(other, "malformed_body"),
    }
}

fn shown(status: StatusCode, page: &VerifyPage<'_>, locale: Locale) -> Response {
    let headers = [
        (header::REFERRER_POLICY, SAME_ORIGIN),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, Html(pages::verify(page, locale))).into_response()
}
