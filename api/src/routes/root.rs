//! What lies outside `/api`: the CSRF token, probes, public pictures, the page behind the mailed link.

use crate::AppState;
use crate::Problem;
use crate::middleware::csrf::CsrfToken;
use crate::state::Readiness;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Longest wait for one check.
const CHECK_TIME_MAX: Duration = Duration::from_secs(2);

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(csrf))
        .routes(routes!(health))
        .routes(routes!(ready))
        .merge(super::uploads::router())
        .merge(super::verify_page::router())
}

#[derive(Serialize, ToSchema)]
struct Token {
    /// Repeat it in `X-CSRF-Token`
    #[schema(example = "00112233445566778899aabbccddeeff.7f…")]
    token: String,
}

/// The CSRF token of this browser and its session; the same value is in cookie `csrf`.
#[utoipa::path(get, path = "/csrf", tag = "session", responses((status = 200, body = Token)))]
async fn csrf(Extension(token): Extension<CsrfToken>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(Token { token: token.value }))
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process is alive; looks at nothing.
#[utoipa::path(get, path = "/health", tag = "operation", responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

#[derive(Serialize, ToSchema)]
struct Unready {
    check: String,
    reason: String,
}

/// May traffic come? 503 with the reasons when not.
#[utoipa::path(get, path = "/ready", tag = "operation", responses(
    (status = 200, body = Health),
    (status = 503, description = "`not_ready`, with `reasons`: what does not work yet"),
))]
async fn ready(State(readiness): State<Readiness>) -> Response {
    let reasons = failing(&readiness).await;
    if reasons.is_empty() {
        return Json(Health { status: "ready" }).into_response();
    }
    match serde_json::to_value(&reasons) {
        Ok(reasons) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready")
            .with_member("reasons", reasons)
            .into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// All checks at once, so that the slowest one sets the time.
async fn failing(readiness: &Readiness) -> Vec<Unready> {
    let checks = readiness.0.iter().map(|(name, check)| async move {
        let reason = match tokio::time::timeout(CHECK_TIME_MAX, check()).await {
            Ok(Ok(())) => return None,
            Ok(Err(reason)) => reason,
            Err(_) => "no answer in time".to_owned(),
        };
        Some(Unready { check: name.clone(), reason })
    });
    futures::future::join_all(checks).await.into_iter().flatten().collect()
}
