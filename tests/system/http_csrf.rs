//! The token against forged requests belongs to one session: what others plant in a browser opens nothing.

use super::http_edge::{Answer, csrf, request, send};
use super::http_sessions::{cookie, login, value};
use api::Secret;
use api::auth::keyring;
use harness::{TestStack, eventually};
use journal::Clock;
use reqwest::Method;
use serde_json::json;
use time::Duration;
use time::macros::datetime;

/// What a browser keeps.
#[derive(Clone, Default)]
struct Browser {
    access: Option<String>,
    refresh: Option<String>,
    csrf: Option<String>,
}

impl Browser {
    async fn logged_in(stack: &TestStack, email: &str, password: &str) -> Self {
        let mut browser = Self::default();
        browser.take(&login(stack, email, password, false).await);
        browser
    }

    /// Keeps what the answer sets.
    fn take(&mut self, answer: &Answer) {
        for (name, kept) in
            [("access", &mut self.access), ("refresh", &mut self.refresh), ("csrf", &mut self.csrf)]
        {
            let start = format!("{name}=");
            let set = answer.headers.get_all("set-cookie").iter().map(|one| one.to_str().unwrap());
            let set: Vec<&str> = set.filter(|one| one.starts_with(&start)).collect();
            assert!(set.len() <= 1, "{name} is set twice: {set:?}");
            if let [one] = set[..] {
                *kept = Some(value(one).to_owned()).filter(|value| !value.is_empty());
            }
        }
    }

    fn cookies(&self) -> String {
        let all = [("access", &self.access), ("refresh", &self.refresh), ("csrf", &self.csrf)];
        let sent: Vec<String> =
            all.iter().filter_map(|(name, kept)| Some(format!("{name}={}", kept.as_ref()?))).collect();
        sent.join("; ")
    }

    /// As our own page calls it.
    async fn post(&mut self, stack: &TestStack, path: &str) -> Answer {
        let body = if path.ends_with("/drafts") { json!({ "method": "ai" }) } else { json!({}) };
        let mut request = request(stack, Method::POST, path).header("cookie", self.cookies()).json(&body);
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        let answer = send(request).await;
        self.take(&answer);
        answer
    }

    fn with_csrf(&self, csrf: &str) -> Self {
        Self { csrf: Some(csrf.to_owned()), ..self.clone() }
    }
}

const DRAFTS: &str = "/api/v1/drafts";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_somebody_planted_is_refused() {
    let stack = TestStack::start().await;
    let (customer, designer) = (&stack.endpoints.logins.customer, &stack.endpoints.logins.designer);
    let victim = Browser::logged_in(&stack, &customer.email, &customer.password).await;
    let attacker = Browser::logged_in(&stack, &designer.email, &designer.password).await;
    let elsewhere = Browser::logged_in(&stack, &customer.email, &customer.password).await;
    assert_eq!(victim.clone().post(&stack, DRAFTS).await.status, 201);
    let (made_up, nobodys) = ("0123456789abcdef0123456789abcdef", csrf(&stack));
    for planted in [made_up, &nobodys, &attacker.csrf.unwrap(), &elsewhere.csrf.unwrap()] {
        for path in [DRAFTS, LOGOUT, "/api/auth/login"] {
            let mut browser = victim.with_csrf(planted);
            browser.post(&stack, path).await.is_problem(403, "csrf_token_invalid");
            // The refusal has replaced it.
            assert_eq!(browser.post(&stack, DRAFTS).await.status, 201, "{planted}");
        }
    }
    // Nor does the token of a session help whoever has no session.
    let mut nobody = Browser { csrf: victim.csrf.clone(), ..Browser::default() };
    nobody.post(&stack, "/api/v1/auth/login").await.is_problem(403, "csrf_token_invalid");
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lives_as_long_as_its_session() {
    let clock = Clock::manual(datetime!(2026-11-24 12:00 UTC));
    let stack = TestStack::at(&clock).await;
    let customer = &stack.endpoints.logins.customer;
    let mut browser = Browser::logged_in(&stack, &customer.email, &customer.password).await;
    let token = browser.csrf.clone();
    assert_eq!(browser.post(&stack, REFRESH).await.status, 200);
    assert_eq!(browser.post(&stack, DRAFTS).await.status, 201);
    clock.advance(Duration::hours(1));
    browser.post(&stack, DRAFTS).await.is_problem(401, "unauthorized");
    assert_eq!(browser.post(&stack, REFRESH).await.status, 200);
    assert_eq!(browser.post(&stack, DRAFTS).await.status, 201);
    keys_are_replaced_at_once(&stack, &clock, &mut browser).await;
    assert_eq!(browser.csrf, token, "it was the same all the time");
    let old = browser.csrf.clone().unwrap();
    assert_eq!(browser.post(&stack, LOGOUT).await.status, 200);
    assert_eq!((&browser.access, &browser.refresh), (&None, &None));
    browser.with_csrf(&old).post(&stack, LOGOUT).await.is_problem(403, "csrf_token_invalid");
    assert_eq!(browser.post(&stack, LOGOUT).await.status, 200, "the new one is good");
    stack.end().await;
}

/// Nothing can be read of the browser's access token any more; its session goes on.
async fn keys_are_replaced_at_once(stack: &TestStack, clock: &Clock, browser: &mut Browser) {
    let settings = &stack.options().settings.sessions;
    let (secret, life) = (Secret::new(settings.access_secret.expose()), settings.access_life.0);
    keyring::rotate(&stack.database.pool, &secret, life, clock.now(), true).await.unwrap();
    let refused = eventually("the old key opens nothing", async || {
        Some(browser.post(stack, DRAFTS).await).filter(|answer| answer.status != 201)
    })
    .await;
    refused.is_problem(401, "unauthorized");
    assert_eq!(browser.post(stack, REFRESH).await.status, 200);
    assert_eq!(browser.post(stack, DRAFTS).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_new_token_whenever_its_session_is_another_one() {
    let stack = TestStack::start().await;
    let customer = &stack.endpoints.logins.customer;
    let minted = send(request(&stack, Method::GET, "/csrf")).await;
    let mut browser = Browser::default();
    browser.take(&minted);
    let first = browser.csrf.clone().unwrap();
    assert_eq!(minted.json()["token"], json!(first));
    let again = request(&stack, Method::GET, "/csrf").header("cookie", browser.cookies());
    let again = send(again).await;
    assert_eq!((&again.json()["token"], again.header("set-cookie")), (&json!(first), ""));
    let body = json!({ "email": customer.email, "password": customer.password });
    let login = request(&stack, Method::POST, "/api/v1/auth/login").header("cookie", browser.cookies());
    let answer = send(login.header("x-csrf-token", &first).json(&body)).await;
    assert!(!cookie(&answer, "csrf").contains("HttpOnly"), "scripts must read it");
    browser.take(&answer);
    assert_ne!(browser.csrf.as_ref(), Some(&first));
    assert_eq!(browser.post(&stack, DRAFTS).await.status, 201);
    // A refused refresh ends the session: the browser can log in at once.
    browser.refresh = Some("made up".to_owned());
    browser.post(&stack, REFRESH).await.is_problem(401, "invalid_refresh");
    assert_eq!(browser.access, None);
    assert_eq!(browser.post(&stack, LOGOUT).await.status, 200);
    stack.end().await;
}
