//! Which pages may call with the browser's cookies. Other origins are refused with 403, before any handler runs.

use super::api_path;
use crate::{ApiConfig, Problem};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, X-Journal-Position, X-Request-Id, X-Total-Count, Idempotent-Replayed, Location, Retry-After, \
     RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
);
/// How long a browser may remember a preflight, in seconds.
const PREFLIGHT_AGE_S: HeaderValue = HeaderValue::from_static("600");

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// No `Origin`: not a browser's script.
    NoOrigin,
    /// May read the answer, with credentials.
    Allowed,
    /// May send, but not read the answer: a payment page's form, whose origin may even be `null`.
    SendOnly,
    Refused,
}

/// Middleware: answers preflights, refuses foreign origins.
pub async fn check(State(config): State<Arc<ApiConfig>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let path = request.uri().path().to_owned();
    let decision = decide(&config, origin.as_ref(), &path);
    let mut response = if decision == Decision::Refused {
        refuse(origin.as_ref(), &path)
    } else if is_preflight(&request) {
        preflight(request.headers(), &decision)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let (Decision::Allowed, Some(origin)) = (decision, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

fn decide(config: &ApiConfig, origin: Option<&HeaderValue>, path: &str) -> Decision {
    let Some(origin) = origin else { return Decision::NoOrigin };
    let own = config.public_url.origin().ascii_serialization();
    let text = origin.to_str().unwrap_or_default();
    if text == own || config.allowed_origins.iter().any(|allowed| allowed == text) {
        Decision::Allowed
    } else if api_path(path) == Some("/payments/callback") || path.starts_with("/uploads/") {
        Decision::SendOnly
    } else {
        Decision::Refused
    }
}

fn refuse(origin: Option<&HeaderValue>, path: &str) -> Response {
    tracing::warn!(
        http.origin = ?origin,
        http.path = path,
        "refused a call from an origin that is not listed in ALLOWED_ORIGINS"
    );
    Problem::new(StatusCode::FORBIDDEN, "cors_not_allowed").into_response()
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(asked: &HeaderMap, decision: &Decision) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if *decision == Decision::Allowed {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_S);
        if let Some(wanted) = asked.get(&header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            headers.append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    fn decided(origin: Option<&str>, path: &str) -> Decision {
        decide(&config(), origin.map(|text| HeaderValue::from_str(text).unwrap()).as_ref(), path)
    }

    #[test]
    fn listed_origins_and_the_apis_own_may_read() {
        assert_eq!(decided(Some("http://localhost:5173"), "/api/v1/orders"), Decision::Allowed);
        assert_eq!(decided(Some("http://localhost:3000"), "/verify-email"), Decision::Allowed);
        assert_eq!(decided(None, "/api/v1/orders"), Decision::NoOrigin);
    }

    #[test]
    fn foreign_origins_are_refused_but_for_the_payment_page() {
        assert_eq!(decided(Some("https://evil.example"), "/api/v1/orders"), Decision::Refused);
        assert_eq!(decided(Some("null"), "/api/orders"), Decision::Refused);
        assert_eq!(decided(Some("null"), "/api/v1/payments/callback"), Decision::SendOnly);
        assert_eq!(decided(Some("https://pay.example"), "/api/payments/callback"), Decision::SendOnly);
        assert_eq!(decided(Some("null"), "/api/v1/payments/callback/x"), Decision::Refused);
    }
}
