//! Signed double submit: a page that can read our `csrf` cookie repeats it in `X-CSRF-Token`; no other page can. The
//! token is signed for the session, so that nobody can plant one, neither of his own session nor of none.

use super::api_path;
use crate::auth::csrf_token::{self, Bound};
use crate::auth::{AccessTokens, cookies};
use crate::extract::bearer;
use crate::{ApiConfig, Chance, Problem, Secret};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use journal::Clock;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use uuid::Uuid;

const X_CSRF_TOKEN: &str = "x-csrf-token";

/// The token of this browser: the one in its cookie, or the one that this answer will set.
#[derive(Debug, Clone)]
pub struct CsrfToken {
    pub value: String,
    /// It came in the cookie.
    sent: bool,
}

/// A handler's word, as an extension of its answer, that the browser's session is another one from now on.
#[derive(Debug, Clone, Copy)]
pub struct SessionChanged(pub Bound);

/// Middleware: gives every browser a token, and refuses unsafe requests that do not repeat it.
pub async fn check(
    State(config): State<Arc<ApiConfig>>,
    State(chance): State<Chance>,
    State(tokens): State<AccessTokens>,
    State(clock): State<Clock>,
    mut request: Request,
    next: Next,
) -> Response {
    let secret = &config.server_secret;
    let jar = CookieJar::from_headers(request.headers());
    let holder = Holder::of(&jar, &tokens, clock.now());
    let sent = jar.get(cookies::CSRF).map(|cookie| cookie.value().to_owned());
    let good = sent.clone().filter(|token| holder.accepts(secret, token));
    let evidence = Evidence::of(request.headers(), &jar, sent.as_deref(), good.is_some());
    let allowed = allowed(request.method(), request.uri().path(), &evidence);
    let mints = good.is_none() && has_browser(request.uri().path());
    let token = match good {
        Some(value) => CsrfToken { value, sent: true },
        None => CsrfToken { value: csrf_token::issue(secret, holder.bound(), chance), sent: false },
    };
    let response = if allowed {
        request.extensions_mut().insert(token.clone());
        next.run(request).await
    } else {
        Problem::new(StatusCode::FORBIDDEN, "csrf_token_invalid").into_response()
    };
    let new = match response.extensions().get() {
        Some(SessionChanged(bound)) => {
            let stays = *bound != Bound::Anonymous && csrf_token::fits(secret, &token.value, *bound);
            (!stays || mints).then(|| csrf_token::issue(secret, *bound, chance))
        }
        None => mints.then_some(token.value),
    };
    match new {
        Some(new) => (CookieJar::new().add(cookies::csrf(&config.cookies, new)), response).into_response(),
        None => response,
    }
}

/// Pictures, places and probes are cached or asked by machines: no cookie there.
fn has_browser(path: &str) -> bool {
    api_path(path).is_some_and(|path| !path.starts_with("/locations/"))
        || path == "/csrf"
        || path == "/verify-email"
}

impl CsrfToken {
    /// For a form, which cannot send the header.
    pub fn is_repeated_by(&self, given: &str) -> bool {
        self.sent && bool::from(self.value.as_bytes().ct_eq(given.as_bytes()))
    }
}

/// Whose tokens a request may repeat, by its access cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Of a session; its access token may have expired, since refreshing it keeps the session.
    Session(Uuid),
    /// Whose access token opens nothing (its key was replaced) and names a session all the same. The browser may go
    /// on with the token of that session, so that it is told to refresh; it is given none for it.
    Claimed(Uuid),
    Nobody,
}

impl Holder {
    fn of(jar: &CookieJar, tokens: &AccessTokens, now: OffsetDateTime) -> Self {
        let Some(access) = jar.get(cookies::ACCESS) else { return Self::Nobody };
        match tokens.session(access.value(), now) {
            Some(session) => Self::Session(session),
            None => AccessTokens::claimed_session(access.value()).map_or(Self::Nobody, Self::Claimed),
        }
    }

    /// What a new token is made for.
    fn bound(self) -> Bound {
        match self {
            Self::Session(session) => Bound::Session(session),
            Self::Claimed(_) | Self::Nobody => Bound::Anonymous,
        }
    }

    fn accepts(self, secret: &Secret, token: &str) -> bool {
        let claimed = match self {
            Self::Claimed(session) => csrf_token::fits(secret, token, Bound::Session(session)),
            Self::Session(_) | Self::Nobody => false,
        };
        claimed || csrf_token::fits(secret, token, self.bound())
    }
}

/// What the request shows.
#[derive(Debug, Clone, Copy, Default)]
struct Evidence<'a> {
    bearer: bool,
    auth_cookie: bool,
    cookie: Option<&'a str>,
    /// The cookie's token is of this session.
    good: bool,
    header: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    fn of(headers: &'a HeaderMap, jar: &CookieJar, cookie: Option<&'a str>, good: bool) -> Self {
        Self {
            bearer: bearer(headers).is_some(),
            auth_cookie: jar.get(cookies::ACCESS).is_some() || jar.get(cookies::REFRESH).is_some(),
            cookie,
            good,
            header: headers.get(X_CSRF_TOKEN).and_then(|value| value.to_str().ok()),
        }
    }

    fn repeats_cookie(&self) -> bool {
        match (self.cookie, self.header) {
            (Some(cookie), Some(header)) => self.good && cookie.as_bytes().ct_eq(header.as_bytes()).into(),
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
pub(crate) fn exempt(path: &str) -> bool {
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

    const TOKEN: Option<&str> = Some("a token");

    fn post(path: &str, evidence: Evidence<'_>) -> bool {
        allowed(&Method::POST, path, &evidence)
    }

    #[test]
    fn safe_methods_pass() {
        assert!(allowed(&Method::GET, "/api/v1/orders", &Evidence::default()));
    }

    #[test]
    fn a_cookie_login_must_repeat_the_token() {
        let cookie = Evidence { auth_cookie: true, cookie: TOKEN, good: true, ..Evidence::default() };
        assert!(!post("/api/v1/orders", cookie));
        assert!(!post("/api/v1/orders", Evidence { header: Some("wrong"), ..cookie }));
        assert!(post("/api/v1/orders", Evidence { header: TOKEN, ..cookie }));
        assert!(!post("/api/v1/orders", Evidence { header: TOKEN, good: false, ..cookie }));
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
            let both = Evidence { cookie: TOKEN, header: TOKEN, ..Evidence::default() };
            assert!(!post(path, both));
            assert!(post(path, Evidence { good: true, ..both }));
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

    #[test]
    fn a_session_takes_its_own_tokens_and_nobody_elses() {
        let secret = Secret::new(*b"s");
        let (mine, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = |bound| csrf_token::issue(&secret, bound, Chance);
        let tokens = [Bound::Session(mine), Bound::Session(other), Bound::Anonymous].map(token);
        let accepted = |holder: Holder| tokens.each_ref().map(|token| holder.accepts(&secret, token));
        assert_eq!(accepted(Holder::Session(mine)), [true, false, false]);
        assert_eq!(accepted(Holder::Nobody), [false, false, true]);
        assert_eq!(accepted(Holder::Claimed(mine)), [true, false, true]);
        assert_eq!(Holder::Claimed(mine).bound(), Bound::Anonymous, "no token for a claim");
    }
}
