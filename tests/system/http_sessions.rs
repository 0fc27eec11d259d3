//! Accounts and sessions from outside: registering, logging in, staying logged in, and being thrown out.

use super::http_edge::{Answer, PASSWORD, csrf, get, post, request, send};
use api::Secret;
use api::auth::keyring;
use app::demo::road;
use harness::{TestStack, eventually};
use journal::Clock;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};
use time::Duration;
use time::macros::datetime;

/// A request of a client that keeps no cookies; the header repeats the cookie.
pub fn open(stack: &TestStack, path: &str) -> RequestBuilder {
    let csrf = csrf(stack);
    request(stack, Method::POST, path).header("cookie", format!("csrf={csrf}")).header("x-csrf-token", csrf)
}

pub async fn login(stack: &TestStack, email: &str, password: &str, remember: bool) -> Answer {
    let body = json!({ "email": email, "password": password, "remember": remember });
    send(request(stack, Method::POST, "/api/v1/auth/login").json(&body)).await
}

pub async fn refresh(stack: &TestStack, token: &str) -> Answer {
    send(request(stack, Method::POST, "/api/v1/auth/refresh").json(&json!({ "refreshToken": token }))).await
}

pub async fn register(stack: &TestStack, change: &Value) -> Answer {
    let mut body = json!({
        "email": "deniz@example.com", "password": PASSWORD, "confirmPassword": PASSWORD, "name": "Deniz",
        "acceptTerms": true, "acceptPrivacy": true,
    });
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    send(request(stack, Method::POST, "/api/v1/auth/register").json(&body)).await
}

pub fn text(answer: &Answer, key: &str) -> String {
    answer.json()[key].as_str().unwrap_or_else(|| panic!("no {key}: {}", answer.text())).to_owned()
}

/// The `Set-Cookie` of this name.
pub fn cookie(answer: &Answer, name: &str) -> String {
    let all = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let start = format!("{name}=");
    all.into_iter()
        .find(|one| one.starts_with(&start))
        .unwrap_or_else(|| panic!("no cookie {name}"))
        .to_owned()
}

pub fn value(cookie: &str) -> &str {
    cookie.split(['=', ';']).nth(1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_once_and_proven_by_its_owner() {
    let stack = TestStack::start().await;
    wrong_fields_are_all_named(&stack).await;
    let made = register(&stack, &json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(made.header("x-journal-position").parse::<i64>().unwrap() > 0);
    register(&stack, &json!({ "email": "DENIZ@Example.COM" })).await.is_problem(409, "email_in_use");
    login(&stack, "deniz@example.com", "Wrong-2026!", false).await.is_problem(401, "invalid_credentials");
    login(&stack, "nobody@example.com", PASSWORD, false).await.is_problem(401, "invalid_credentials");
    let access = text(&login(&stack, "Deniz@Example.com", PASSWORD, false).await, "accessToken");
    both_me_routes_tell_who_that_is(&stack, &access).await;
    a_broken_link_proves_nothing(&stack).await;
    opening_the_link_proves_nothing_but_its_button_does(&stack, &access).await;
    stack.end().await;
}

async fn wrong_fields_are_all_named(stack: &TestStack) {
    let wrong = register(
        stack,
        &json!({ "email": "no address", "password": "short", "confirmPassword": "other", "acceptTerms": false }),
    )
    .await;
    wrong.is_problem(400, "validation_failed");
    let body = wrong.json();
    let pointers: Vec<&str> =
        body["pointers"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    for field in ["email", "password", "confirmPassword", "acceptTerms"] {
        assert!(body["errors"]["fieldErrors"][field][0].is_string(), "{field}: {body}");
        assert!(pointers.contains(&format!("/{field}").as_str()), "{field}: {body}");
    }
    let nothing = send(request(stack, Method::POST, "/api/v1/auth/register").json(&json!({}))).await;
    nothing.is_problem(400, "validation_failed");
    for field in ["email", "password", "acceptTerms", "acceptPrivacy"] {
        assert!(nothing.json()["errors"]["fieldErrors"][field][0].is_string(), "{field}: {}", nothing.text());
    }
    let role = register(stack, &json!({ "role": "admin" })).await;
    role.is_problem(400, "validation_failed");
    register(stack, &json!({ "role": "designer" })).await.is_problem(400, "revenue_share_required");
}

async fn both_me_routes_tell_who_that_is(stack: &TestStack, access: &str) {
    let mine = get(stack, access, "/api/v1/auth/me").await;
    assert_eq!(mine.json(), get(stack, access, "/api/users/me").await.json());
    let data = &mine.json()["data"];
    assert_eq!((&data["email"], &data["name"]), (&json!("deniz@example.com"), &json!("Deniz")));
    assert_eq!((&data["role"], &data["emailVerified"]), (&json!("customer"), &json!(false)));
    for path in ["/api/v1/auth/me", "/api/v1/users/me"] {
        send(request(stack, Method::GET, path)).await.is_problem(401, "unauthorized");
        get(stack, "no.jwt.here", path).await.is_problem(401, "unauthorized");
    }
}

async fn a_broken_link_proves_nothing(stack: &TestStack) {
    for token in ["", "x", "00000000-0000-0000-0000-000000000000.abc", "ğ💥"] {
        let answer = send(open(stack, "/api/v1/auth/verify-email").json(&json!({ "token": token }))).await;
        answer.is_problem(400, "verification_invalid");
    }
}

async fn opening_the_link_proves_nothing_but_its_button_does(stack: &TestStack, access: &str) {
    let is_link = |text: &str| text.contains("/verify-email?token=");
    let mail = road::mail_for(&stack.client, &stack.endpoints, "deniz@example.com", is_link).await.unwrap();
    let words = mail["text"].as_str().unwrap().split_whitespace();
    let link: Url = words.into_iter().find(|word| is_link(word)).unwrap().parse().unwrap();
    let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
    let verified = async || {
        get(stack, access, "/api/v1/auth/me").await.json()["data"]["emailVerified"].as_bool().unwrap()
    };
    let page = send(stack.client.get(link)).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html") && page.text().contains(&token));
    assert!(!verified().await, "a mail scanner has proven the address");
    let given = csrf(stack);
    let press = |cookie: &str| {
        let form = [("token", token.as_str()), ("csrf", given.as_str())];
        let pressed =
            request(stack, Method::POST, "/verify-email").header("cookie", format!("csrf={cookie}"));
        send(pressed.form(&form))
    };
    press(&csrf(stack)).await.is_problem(403, "csrf_token_invalid");
    assert!(!verified().await);
    for _ in 0..2 {
        let done = press(&given).await;
        assert_eq!(done.status, 200, "{}", done.text());
    }
    assert!(verified().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_by_its_newest_token_and_dies_by_an_old_one() {
    let clock = Clock::manual(datetime!(2026-11-24 09:00 UTC));
    let stack = TestStack::at(&clock).await;
    let customer = stack.endpoints.logins.customer.clone();
    let begin = async || login(&stack, &customer.email, &customer.password, false).await;
    the_login_sets_its_cookies(&stack, &customer.email, &customer.password).await;
    refresh_tokens_are_good_once(&stack, &clock, &begin().await).await;
    cookies_are_refreshed_as_well(&stack, &begin().await).await;
    logout_ends_the_session(&stack, &begin().await).await;
    let (one, other) = (begin().await, begin().await);
    post(&stack, &text(&one, "accessToken"), "/api/v1/auth/logout-all", &json!({})).await;
    for ended in [one, other] {
        refresh(&stack, &text(&ended, "refreshToken")).await.is_problem(401, "invalid_refresh");
    }
    access_tokens_run_out(&stack, &clock, &begin().await).await;
    stack.end().await;
}

async fn the_login_sets_its_cookies(stack: &TestStack, email: &str, password: &str) {
    let session = login(stack, email, password, false).await;
    assert_eq!((session.status, session.header("cache-control")), (200, "no-store"));
    for (name, path) in [("access", "Path=/"), ("refresh", "Path=/api")] {
        let cookie = cookie(&session, name);
        let parts: Vec<&str> = cookie.split("; ").collect();
        for part in ["HttpOnly", "SameSite=Lax", path] {
            assert!(parts.contains(&part), "{name} without {part}: {cookie}");
        }
        assert!(!cookie.contains("Max-Age"), "it outlives the browser: {cookie}");
    }
    let remembered = login(stack, email, password, true).await;
    assert!(cookie(&remembered, "refresh").contains("Max-Age=2592000"));
    let access = cookie(&session, "access");
    let me =
        request(stack, Method::GET, "/api/v1/users/me").header("cookie", access.split(';').next().unwrap());
    assert_eq!(send(me).await.json()["data"]["email"], email);
}

async fn refresh_tokens_are_good_once(stack: &TestStack, clock: &Clock, session: &Answer) {
    let first = text(session, "refreshToken");
    let second = text(&refresh(stack, &first).await, "refreshToken");
    assert_ne!(first, second);
    clock.advance(Duration::seconds(9));
    assert_eq!(text(&refresh(stack, &first).await, "refreshToken"), second, "a retry gets the same one");
    clock.advance(Duration::seconds(2));
    refresh(stack, &first).await.is_problem(401, "refresh_reuse_detected");
    refresh(stack, &second).await.is_problem(401, "invalid_refresh");
    refresh(stack, "made up").await.is_problem(401, "invalid_refresh");
}

async fn cookies_are_refreshed_as_well(stack: &TestStack, session: &Answer) {
    let old = cookie(session, "refresh");
    let ask = |token: &str| {
        let cookies = format!("refresh={token}");
        send(request(stack, Method::POST, "/api/auth/refresh").header("cookie", cookies))
    };
    let renewed = ask(value(&old)).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    assert_eq!(renewed.json(), json!({ "ok": true, "expiresIn": 900 }), "scripts are told no token");
    assert_ne!(value(&cookie(&renewed, "refresh")), value(&old));
    let refused = ask("made up").await;
    refused.is_problem(401, "invalid_refresh");
    assert!(cookie(&refused, "refresh").contains("Max-Age=0"), "the browser keeps trying it");
    send(request(stack, Method::POST, "/api/v1/auth/refresh")).await.is_problem(401, "unauthorized");
}

async fn logout_ends_the_session(stack: &TestStack, session: &Answer) {
    let token = text(session, "refreshToken");
    let out = send(open(stack, "/api/v1/auth/logout").json(&json!({ "refreshToken": token }))).await;
    assert_eq!(out.status, 200, "{}", out.text());
    assert!(cookie(&out, "access").contains("Max-Age=0") && cookie(&out, "refresh").contains("Max-Age=0"));
    refresh(stack, &token).await.is_problem(401, "invalid_refresh");
    let again = send(open(stack, "/api/v1/auth/logout").json(&json!({ "refreshToken": token }))).await;
    assert_eq!(again.status, 200, "to be logged out already is no error");
}

async fn access_tokens_run_out(stack: &TestStack, clock: &Clock, session: &Answer) {
    let (access, token) = (text(session, "accessToken"), text(session, "refreshToken"));
    clock.advance(Duration::minutes(14));
    assert_eq!(get(stack, &access, "/api/v1/users/me").await.status, 200);
    // Clocks of processes may differ by half a minute.
    clock.advance(Duration::minutes(1) + Duration::seconds(29));
    assert_eq!(get(stack, &access, "/api/v1/users/me").await.status, 200);
    clock.advance(Duration::seconds(1));
    get(stack, &access, "/api/v1/users/me").await.is_problem(401, "unauthorized");
    let renewed = text(&refresh(stack, &token).await, "accessToken");
    assert_eq!(get(stack, &renewed, "/api/v1/users/me").await.status, 200);
    clock.advance(Duration::days(31));
    let later = refresh(stack, &token).await;
    assert_eq!(later.status, 401, "{}", later.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_listed_and_can_be_thrown_out_one_by_one() {
    let stack = TestStack::start().await;
    let (mine, other) = (stack.endpoints.logins.customer.clone(), stack.endpoints.logins.designer.clone());
    let phone = login(&stack, &mine.email, &mine.password, true).await;
    let laptop = login(&stack, &mine.email, &mine.password, false).await;
    let stranger = login(&stack, &other.email, &other.password, false).await;
    let (phone_token, laptop_token) = (text(&phone, "accessToken"), text(&laptop, "accessToken"));
    let list = get(&stack, &laptop_token, "/api/v1/auth/sessions").await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| &item["current"]).collect::<Vec<_>>(), [&json!(true), &json!(false)]);
    assert_eq!(
        items.iter().map(|item| &item["remembered"]).collect::<Vec<_>>(),
        [&json!(false), &json!(true)]
    );
    let path = format!("/api/v1/auth/sessions/{}", items[1]["id"].as_str().unwrap());
    let delete = async |token: &str| send(request(&stack, Method::DELETE, &path).bearer_auth(token)).await;
    delete(&text(&stranger, "accessToken")).await.is_problem(404, "session_not_found");
    assert_eq!(delete(&laptop_token).await.status, 204);
    delete(&laptop_token).await.is_problem(404, "session_not_found");
    let own = format!("/api/v1/auth/sessions/{}", items[0]["id"].as_str().unwrap());
    refresh(&stack, &text(&phone, "refreshToken")).await.is_problem(401, "invalid_refresh");
    assert_eq!(refresh(&stack, &text(&laptop, "refreshToken")).await.status, 200);
    assert_eq!(
        get(&stack, &phone_token, "/api/v1/auth/sessions").await.json()["items"].as_array().unwrap().len(),
        1
    );
    let out = send(request(&stack, Method::DELETE, &own).bearer_auth(&laptop_token)).await;
    assert_eq!(out.status, 204, "{}", out.text());
    assert!(cookie(&out, "access").contains("Max-Age=0") && cookie(&out, "refresh").contains("Max-Age=0"));
    refresh(&stack, &text(&laptop, "refreshToken")).await.is_problem(401, "invalid_refresh");
    stack.end().await;
}

const NEW: &str = "Yepyeni-2027!";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_logs_out_every_other_device() {
    let stack = TestStack::start().await;
    let demo = stack.endpoints.logins.customer.clone();
    let (thief, owner) = (
        login(&stack, &demo.email, &demo.password, true).await,
        login(&stack, &demo.email, &demo.password, true).await,
    );
    let token = text(&owner, "accessToken");
    let change = async |current: &str, new: &str, again: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new, "confirmNewPassword": again });
        post(&stack, &token, "/api/v1/users/me/change-password", &body).await
    };
    change(&demo.password, NEW, "Other-2027!").await.is_problem(400, "validation_failed");
    change(&demo.password, &demo.password, &demo.password).await.is_problem(400, "validation_failed");
    let wrong = change("Wrong-2026!", NEW, NEW).await;
    wrong.is_problem(400, "validation_failed");
    assert!(wrong.json()["errors"]["fieldErrors"]["currentPassword"].is_array(), "{}", wrong.text());
    let done = change(&demo.password, NEW, NEW).await;
    assert_eq!((done.status, done.json()), (200, json!({ "success": true })));
    refresh(&stack, &text(&thief, "refreshToken")).await.is_problem(401, "invalid_refresh");
    assert_eq!(refresh(&stack, &text(&owner, "refreshToken")).await.status, 200);
    login(&stack, &demo.email, &demo.password, false).await.is_problem(401, "invalid_credentials");
    assert_eq!(login(&stack, &demo.email, NEW, false).await.status, 200);
    // Guessing with a stolen access token ends soon.
    for _ in 0..5 {
        change("Wrong-2026!", NEW, NEW).await.is_problem(400, "validation_failed");
    }
    change(NEW, "Bambaska-2028!", "Bambaska-2028!").await.is_problem(429, "rate_limited");
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_hash_is_made_anew_at_the_next_login() {
    let mut stack = TestStack::start().await;
    let demo = stack.endpoints.logins.customer.clone();
    let hash = "SELECT password_hash FROM accounts WHERE email = $1";
    let pool = stack.database.pool.clone();
    let hash =
        async || sqlx::query_scalar::<_, String>(hash).bind(&demo.email).fetch_one(&pool).await.unwrap();
    let before = hash().await;
    assert!(before.contains("m=256,t=1,p=1"), "{before}");
    stack.stop_service().await;
    stack.options_mut().passwords.passes = 2;
    stack.start_service().await.unwrap();
    assert_eq!(login(&stack, &demo.email, &demo.password, false).await.status, 200);
    let after = hash().await;
    assert!(after.contains("m=256,t=2,p=1"), "{after}");
    assert_eq!(login(&stack, &demo.email, &demo.password, false).await.status, 200);
    assert_eq!(hash().await, after);
    stack.end().await;
}

/// Which key signed a token.
fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_replaced_and_nobody_is_logged_out() {
    let clock = Clock::manual(datetime!(2026-11-24 12:00 UTC));
    let stack = TestStack::at(&clock).await;
    let demo = &stack.endpoints.logins.customer;
    let session = login(&stack, &demo.email, &demo.password, false).await;
    let (old, renewal) = (text(&session, "accessToken"), text(&session, "refreshToken"));
    let settings = &stack.options().settings.sessions;
    let (secret, life) = (Secret::new(settings.access_secret.expose()), settings.access_life.0);
    let pool = &stack.database.pool;

    keyring::rotate(pool, &secret, life, clock.now(), false).await.unwrap();
    clock.advance(Duration::seconds(15));
    let renewed = eventually("the new key signs", async || {
        let session = login(&stack, &demo.email, &demo.password, false).await;
        Some(text(&session, "accessToken")).filter(|token| kid(token) != kid(&old))
    })
    .await;
    for token in [&old, &renewed] {
        assert_eq!(get(&stack, token, "/api/v1/users/me").await.status, 200);
    }

    // The old keys were stolen: their tokens end, sessions go on.
    keyring::rotate(pool, &secret, life, clock.now(), true).await.unwrap();
    eventually("tokens of the stolen keys end", async || {
        (get(&stack, &renewed, "/api/v1/users/me").await.status == 401).then_some(())
    })
    .await;
    get(&stack, &old, "/api/v1/users/me").await.is_problem(401, "unauthorized");
    let fresh = text(&refresh(&stack, &renewal).await, "accessToken");
    assert_eq!(get(&stack, &fresh, "/api/v1/users/me").await.status, 200);
    stack.end().await;
}
