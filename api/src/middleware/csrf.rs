//! Double submit: a page that can read our `csrf` cookie repeats it in `X-CSRF-Token`; no other page can.

use super::api_path;
use crate::auth::cookies;
use crate::extract::bearer;
use crate::{ApiConfig, Chance, Problem};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use std::sync::Arc;
use subtle::ConstantTimeEq;

const X_CSRF_TOKEN: &str = "x-csrf-token";

/// The token of this browser: the one in its cookie, or the one that this answer will set.
#[derive(Debug, Clone)]
pub struct CsrfToken(pub String);

/// Middleware: gives every browser a token, and refuses unsafe requests that do not repeat it.
pub async fn check(
    State(config): State<Arc<ApiConfig>>,
    State(chance): State<Chance>,
    mut request: Request,
    next: Next,
) -> Response {
    let jar = CookieJar::from_headers(request.headers());
    let sent = jar.get(cookies::CSRF).map(|cookie| cookie.value().to_owned());
    let evidence = Evidence::of(request.headers(), &jar, sent.as_deref());
    if !allowed(request.method(), request.uri().path(), &evidence) {
        return Problem::new(StatusCode::FORBIDDEN, "csrf_token_invalid").into_response();
    }
    let mints = sent.as_deref().is_none_or(|token| !is_token(token)) && has_browser(request.uri().path());
    let token = match sent {
        Some(token) if !mints => token,
        _ => hex::encode(chance.bytes::<16>()),
    };
    request.extensions_mut().insert(CsrfToken(token.clone()));
    let response = next.run(request).await;
    if mints {
        let jar = CookieJar::new().add(cookies::csrf(&config.cookies, token));
        return (jar, response).into_response();
    }
    response
}

/// Pictures, places and probes are cached or asked by machines: no cookie there.
fn has_browser(path: &str) -> bool {
    api_path(path).is_some_and(|path| !path.starts_with("/locations/"))
        || path == "/csrf"
        || path == "/verify-email"
}

fn is_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What the request shows.
#[derive(Debug, Clone, Copy, Default)]
struct Evidence<'a> {
    bearer: bool,
    auth_cookie: bool,
    cookie: Option<&'a str>,
    header: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    fn of(headers: &'a HeaderMap, jar: &CookieJar, cookie: Option<&'a str>) -> Self {
        Self {
            bearer: bearer(headers).is_some(),
            auth_cookie: jar.get(cookies::ACCESS).is_some() || jar.get(cookies::REFRESH).is_some(),
            cookie,
            header: headers.get(X_CSRF_TOKEN).and_then(|value| value.to_str().ok()),
        }
    }

    fn repeats_cookie(&self) -> bool {
        match (self.cookie, self.header) {
            (Some(cookie), Some(header)) => cookie.as_bytes().ct_eq(header.as_bytes()).into(),
            _ => false,
        }
    }
}

fn allowed(method: &Method, path: &str, evidence: &Evidence<'_>) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || exempt(path) {
        return true;
    }
    if evidence.bearer && !evidence.auth_cookie {
        return true;
    }
    // A fresh API client has no cookie to repeat yet.
    let fresh = evidence.cookie.is_none() && evidence.header.is_none();
    if fresh && matches!(api_path(path), Some("/auth/register" | "/auth/login")) {
        return true;
    }
    evidence.repeats_cookie()
}

/// Compared exactly. The page `/verify-email` repeats the token in its form, and checks it itself.
fn exempt(path: &str) -> bool {
    match api_path(path) {
        Some("/auth/refresh" | "/payments/callback") => true,
        Some(path) => {
            ["/payments/webhooks/", "/shipments/webhook/"].iter().any(|hook| path.starts_with(hook))
        }
        None => path == "/verify-email",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Option<&str> = Some("00112233445566778899aabbccddeeff");

    fn post(path: &str, evidence: Evidence<'_>) -> bool {
        allowed(&Method::POST, path, &evidence)
    }

    #[test]
    fn safe_methods_pass() {
        assert!(allowed(&Method::GET, "/api/v1/orders", &Evidence::default()));
    }

    #[test]
    fn a_cookie_login_must_repeat_the_token() {
        let cookie = Evidence { auth_cookie: true, cookie: TOKEN, ..Evidence::default() };
        assert!(!post("/api/v1/orders", cookie));
        assert!(!post("/api/v1/orders", Evidence { header: Some("wrong"), ..cookie }));
        assert!(post("/api/v1/orders", Evidence { header: TOKEN, ..cookie }));
    }

    #[test]
    fn a_bearer_header_needs_none_unless_an_auth_cookie_came_along() {
        let bearer = Evidence { bearer: true, ..Evidence::default() };
        assert!(post("/api/v1/orders", bearer));
        assert!(!post("/api/v1/orders", Evidence { auth_cookie: true, ..bearer }));
    }

    #[test]
    fn register_and_login_let_a_fresh_client_in_but_no_wrong_header() {
        for path in ["/api/v1/auth/login", "/api/auth/register"] {
            assert!(post(path, Evidence::default()));
            assert!(!post(path, Evidence { cookie: TOKEN, ..Evidence::default() }));
            assert!(!post(path, Evidence { header: TOKEN, ..Evidence::default() }));
            assert!(post(path, Evidence { cookie: TOKEN, header: TOKEN, ..Evidence::default() }));
        }
        assert!(!post("/api/v1/auth/logout", Evidence::default()));
    }

    #[test]
    fn exempt_paths_are_compared_exactly() {
        assert!(post("/api/v1/auth/refresh", Evidence::default()));
        assert!(post("/api/payments/callback", Evidence::default()));
        assert!(post("/api/v1/payments/webhooks/iyzico", Evidence::default()));
        assert!(!post("/api/v1/auth/refresh/", Evidence::default()));
        assert!(!post("/api/v1/payments/initiate", Evidence::default()));
    }
}
