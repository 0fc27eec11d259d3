//! What holds for every route: problems, CSRF, origins, headers, and that the description tells the truth.

use api::auth::csrf_token::{self, Bound};
use api::{Chance, Secret};
use app::demo::road;
use harness::TestStack;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// The password of every customer whom the road registers.
pub const PASSWORD: &str = "Kapak-2026!";
const NOWHERE: &str = "00000000-0000-0000-0000-000000000000";

/// An answer with all that a test may look at.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the stable code of a problem; fails for what is no problem document.
    pub fn problem(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?} {body}");
        assert_eq!(body["status"], self.status, "{body}");
        assert_eq!(body["instance"], self.header("x-request-id"), "{body}");
        assert_eq!(body["message"], body["detail"], "{body}");
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("urn:polikrami:problem:{code}"));
        (self.status, code)
    }

    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.problem(), (status, code.to_owned()), "{}", self.text());
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, bytes: answer.bytes().await.unwrap().to_vec() }
}

/// The same for one that may meet itself on its way, since the first takes longer than the others wait: it comes again.
pub async fn send_until_settled(request: RequestBuilder) -> Answer {
    loop {
        let answer = send(request.try_clone().unwrap()).await;
        if answer.status != 409 || answer.json()["code"] != "idempotency_in_progress" {
            return answer;
        }
    }
}

pub fn request(stack: &TestStack, method: Method, path: &str) -> RequestBuilder {
    stack.client.request(method, format!("{}{path}", stack.endpoints.api))
}

pub async fn get(stack: &TestStack, token: &str, path: &str) -> Answer {
    send(request(stack, Method::GET, path).bearer_auth(token)).await
}

pub async fn post(stack: &TestStack, token: &str, path: &str, body: &Value) -> Answer {
    send(request(stack, Method::POST, path).bearer_auth(token).json(body)).await
}

/// The CSRF token of a browser that is not logged in.
pub fn csrf(stack: &TestStack) -> String {
    csrf_of(stack, Bound::Anonymous)
}

/// One that the service would make for this session.
pub fn csrf_of(stack: &TestStack, bound: Bound) -> String {
    let secret = stack.options().settings.sessions.server_secret.expose();
    csrf_token::issue(&Secret::new(secret), bound, Chance)
}

/// An access token of an account.
pub async fn token(stack: &TestStack, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password });
    let answer = send(request(stack, Method::POST, "/api/v1/auth/login").json(&body)).await;
    answer.json()["accessToken"].as_str().unwrap().to_owned()
}

pub async fn token_of(stack: &TestStack, person: &road::Person) -> String {
    token(stack, &person.email, PASSWORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_described_route_exists_under_both_mounts() {
    let stack = TestStack::start().await;
    let document = send(request(&stack, Method::GET, "/openapi.json")).await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter_map(|key| method(key)) {
            let alias = path.strip_prefix("/api/v1").map(|rest| format!("/api{rest}"));
            for path in [Some(path.clone()), alias].into_iter().flatten() {
                exists(&stack, method.clone(), &path).await;
                asked += 1;
            }
        }
    }
    assert!(asked > 60, "only {asked} routes are described");
    stack.end().await;
}

fn method(key: &str) -> Option<Method> {
    let known = ["get", "put", "post", "delete", "patch"].contains(&key);
    known.then(|| key.to_uppercase().parse().unwrap())
}

/// Some handler answers, though it may refuse.
async fn exists(stack: &TestStack, method: Method, path: &str) {
    let parts: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { NOWHERE } else { part }).collect();
    let mut ask = request(stack, method.clone(), &parts.join("/"));
    let csrf = csrf(stack);
    ask = ask.header("cookie", format!("csrf={csrf}")).header("x-csrf-token", csrf);
    if method != Method::GET {
        ask = ask.json(&json!({}));
    }
    let answer = send(ask).await;
    assert!(
        answer.status != 405 && answer.status < 500,
        "{method} {path}: {} {}",
        answer.status,
        answer.text()
    );
    assert_ne!(answer.json()["code"], "route_not_found", "{method} {path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_request_is_said_as_a_problem() {
    let stack = TestStack::start().await;
    for path in ["/health", "/ready"] {
        assert_eq!(send(request(&stack, Method::GET, path)).await.status, 200, "{path}");
    }
    pages_need_nothing_from_elsewhere(&stack).await;
    send(request(&stack, Method::GET, "/api/v1/nowhere")).await.is_problem(404, "route_not_found");
    send(request(&stack, Method::GET, "/nowhere")).await.is_problem(404, "route_not_found");
    let wrong_method = send(request(&stack, Method::GET, "/api/v1/auth/login")).await;
    wrong_method.is_problem(405, "method_not_allowed");
    assert_eq!(wrong_method.header("allow"), "POST");
    bodies_are_checked(&stack).await;
    language_changes_the_text_and_not_the_code(&stack).await;
    let bad_id = get(&stack, &admin(&stack).await, "/api/v1/orders/no-id").await;
    bad_id.is_problem(400, "validation_failed");
    stack.end().await;
}

async fn admin(stack: &TestStack) -> String {
    let admin = &stack.endpoints.logins.admin;
    token(stack, &admin.email, &admin.password).await
}

async fn pages_need_nothing_from_elsewhere(stack: &TestStack) {
    let page = send(request(stack, Method::GET, "/docs/")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    for outside in ["src=\"http", "href=\"http", "src=\"//", "href=\"//"] {
        assert!(!page.text().contains(outside), "{outside} in {}", page.text());
    }
    let start = send(request(stack, Method::GET, "/docs/swagger-initializer.js")).await;
    assert!(start.text().contains("/openapi.json"), "{}", start.text());
}

async fn bodies_are_checked(stack: &TestStack) {
    let login = |kind: &'static str, body: Vec<u8>| {
        send(request(stack, Method::POST, "/api/v1/auth/login").header("content-type", kind).body(body))
    };
    let fitting = br#"{"email":"a@example.com","password":"x"}"#.to_vec();
    login("text/plain", fitting).await.is_problem(415, "unsupported_media_type");
    login("application/json", b"{\"email\":".to_vec()).await.is_problem(400, "malformed_json");
    let limit = 64 * 1024;
    login("application/json", vec![b' '; limit + 1]).await.is_problem(413, "payload_too_large");
    login("application/json", vec![b' '; limit]).await.is_problem(400, "malformed_json");
    let unknown = br#"{"email":"a@example.com","password":"x","colour":"red"}"#.to_vec();
    let unknown = login("application/json", unknown).await;
    unknown.is_problem(400, "unknown_field");
    assert_eq!(unknown.json()["field"], "colour");
    assert_eq!(unknown.json()["pointers"][0]["pointer"], "/colour");
    let missing = login("application/json", b"{}".to_vec()).await;
    missing.is_problem(400, "validation_failed");
    assert!(missing.json()["errors"]["fieldErrors"]["email"].is_array(), "{}", missing.text());
}

async fn language_changes_the_text_and_not_the_code(stack: &TestStack) {
    let ask =
        |language| send(request(stack, Method::GET, "/api/v1/orders").header("accept-language", language));
    let (english, turkish) = (ask("en-GB,en;q=0.9").await, ask("tr-TR,en;q=0.5").await);
    english.is_problem(401, "unauthorized");
    turkish.is_problem(401, "unauthorized");
    assert_eq!(english.json()["detail"], "Please log in.");
    assert_eq!(turkish.json()["detail"], "Lütfen giriş yapın.");
    assert_eq!(turkish.json()["title"], "Oturum gerekli");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_page_can_use_a_browsers_cookies() {
    let stack = TestStack::start().await;
    csrf_is_asked_of_cookies_and_of_nobody_else(&stack).await;
    only_listed_origins_may_call(&stack).await;
    every_answer_has_its_headers(&stack).await;
    stack.end().await;
}

async fn csrf_is_asked_of_cookies_and_of_nobody_else(stack: &TestStack) {
    let access = admin(stack).await;
    let create = || request(stack, Method::POST, "/api/v1/drafts").json(&json!({ "method": "ai" }));
    let given = request(stack, Method::GET, "/csrf").header("cookie", format!("access={access}"));
    let csrf = send(given).await.json()["token"].as_str().unwrap().to_owned();
    let cookies = format!("access={access}; csrf={csrf}");
    send(create().header("cookie", format!("access={access}"))).await.is_problem(403, "csrf_token_invalid");
    send(create().header("cookie", &cookies)).await.is_problem(403, "csrf_token_invalid");
    let wrong = create().header("cookie", &cookies).header("x-csrf-token", "0".repeat(32));
    send(wrong).await.is_problem(403, "csrf_token_invalid");
    let both = create().bearer_auth(&access).header("cookie", &cookies);
    send(both).await.is_problem(403, "csrf_token_invalid");
    assert_eq!(send(create().header("cookie", &cookies).header("x-csrf-token", &csrf)).await.status, 201);
    assert_eq!(send(create().bearer_auth(&access)).await.status, 201);
    send(create()).await.is_problem(403, "csrf_token_invalid");
    // The callback and the refresh are exempt: each fails later, for a reason of its own.
    let form = request(stack, Method::POST, "/api/v1/payments/callback").header("cookie", &cookies);
    send(form.form(&[("token", NOWHERE)])).await.is_problem(404, "unknown_payment_token");
    let refresh = request(stack, Method::POST, "/api/v1/auth/refresh").header("cookie", "refresh=x");
    send(refresh).await.is_problem(401, "invalid_refresh");
    // A fresh client may log in; a header that does not fit is refused there, too.
    let login = request(stack, Method::POST, "/api/v1/auth/login").json(&json!({}));
    send(login.header("x-csrf-token", &csrf)).await.is_problem(403, "csrf_token_invalid");
    let minted = send(request(stack, Method::GET, "/csrf")).await;
    let token = minted.json()["token"].as_str().unwrap().to_owned();
    assert!(minted.header("set-cookie").starts_with(&format!("csrf={token};")), "{:?}", minted.headers);
}

async fn only_listed_origins_may_call(stack: &TestStack) {
    let from = |method, path, origin: &'static str| request(stack, method, path).header("origin", origin);
    let listed = send(from(Method::GET, "/api/v1/message-cards", "http://localhost:3000")).await;
    assert_eq!(listed.header("access-control-allow-origin"), "http://localhost:3000");
    assert_eq!(listed.header("access-control-allow-credentials"), "true");
    assert!(listed.header("access-control-expose-headers").contains("X-Journal-Position"));
    let preflight = from(Method::OPTIONS, "/api/v1/drafts", "http://localhost:3000")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, x-csrf-token");
    let preflight = send(preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-headers"), "content-type, x-csrf-token");
    let foreign = send(from(Method::GET, "/api/v1/message-cards", "https://evil.example")).await;
    foreign.is_problem(403, "cors_not_allowed");
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    let near = send(from(Method::GET, "/health", "http://localhost:3000.evil.example")).await;
    near.is_problem(403, "cors_not_allowed");
    for origin in ["https://evil.example", "null"] {
        let callback = from(Method::POST, "/api/payments/callback", origin).form(&[("token", NOWHERE)]);
        let callback = send(callback).await;
        callback.is_problem(404, "unknown_payment_token");
        assert_eq!(callback.header("access-control-allow-origin"), "");
    }
}

async fn every_answer_has_its_headers(stack: &TestStack) {
    for path in ["/health", "/api/v1/nowhere", "/api/v1/message-cards"] {
        let answer = send(request(stack, Method::GET, path)).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "SAMEORIGIN"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
        assert!(answer.header("content-security-policy").contains("object-src 'none'"), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
    let id = "0d5c6c1e-6a0c-4d0e-9c55-4a3c7c0f3f57";
    let mine = send(request(stack, Method::GET, "/api/v1/nowhere").header("x-request-id", id)).await;
    assert_eq!((mine.header("x-request-id"), &mine.json()["instance"]), (id, &json!(id)));
    let other = send(request(stack, Method::GET, "/health").header("x-request-id", "a\tb; drop")).await;
    assert_ne!(other.header("x-request-id"), "a\tb; drop");
}
