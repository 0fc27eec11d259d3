//! A request that is sent twice under one `Idempotency-Key` is done once, and answered twice in the same words.

use super::http_edge::{Answer, PASSWORD, request, send, send_until_settled, token_of};
use harness::{TestStack, eventually};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::Connection;
use time::{Duration, OffsetDateTime};

fn keyed(stack: &TestStack, token: &str, key: &str, path: &str, body: &Value) -> RequestBuilder {
    request(stack, Method::POST, path).bearer_auth(token).header("idempotency-key", key).json(body)
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

fn assert_same(first: &Answer, again: &Answer) {
    assert!(!is_replay(first) && is_replay(again), "{:?}", again.headers);
    assert_eq!((first.status, &first.bytes), (again.status, &again.bytes), "{}", again.text());
    for name in ["content-type", "x-journal-position", "location"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
}

async fn kept(stack: &TestStack) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM idempotent_answers")
        .fetch_one(&stack.database.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer() {
    let stack = TestStack::start().await;
    let token = token_of(&stack, &stack.customer().await).await;
    let wish = json!({ "method": "ai", "size": "a6" });
    let first = send(keyed(&stack, &token, "one", "/api/v1/drafts", &wish)).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert_same(&first, &send(keyed(&stack, &token, "one", "/api/v1/drafts", &wish)).await);
    // The alias is the same route.
    assert_same(&first, &send(keyed(&stack, &token, "one", "/api/drafts", &wish)).await);
    let other = json!({ "method": "ai", "size": "a4" });
    for (path, body) in [("/drafts", &other), ("/addresses", &wish)] {
        let reused = send(keyed(&stack, &token, "one", &format!("/api/v1{path}"), body)).await;
        reused.is_problem(409, "idempotency_key_reused");
    }
    let stranger = token_of(&stack, &stack.customer().await).await;
    let theirs = send(keyed(&stack, &stranger, "one", "/api/v1/drafts", &wish)).await;
    assert!(!is_replay(&theirs) && theirs.json()["data"]["id"] != first.json()["data"]["id"]);
    send(keyed(&stack, "forged", "one", "/api/v1/drafts", &wish)).await.is_problem(401, "unauthorized");
    a_lost_answer_is_made_again(&stack, &token, &first, &wish).await;
    a_refusal_is_not_kept(&stack, &token).await;
    stack.end().await;
}

/// As after a crash between the commit and the answer.
async fn a_lost_answer_is_made_again(stack: &TestStack, token: &str, first: &Answer, wish: &Value) {
    let pool = &stack.database.pool;
    let tomorrow = OffsetDateTime::now_utc() + Duration::hours(25);
    let swept = journal::tables::idempotent_answers::delete_ended(pool, tomorrow, 100).await.unwrap();
    assert!(swept > 0 && kept(stack).await == 0, "{swept}");
    let again = send(keyed(stack, token, "one", "/api/v1/drafts", wish)).await;
    assert!(!is_replay(&again));
    assert_eq!((first.status, first.json()), (again.status, again.json()));
    assert_eq!(first.header("x-journal-position"), again.header("x-journal-position"));
}

async fn a_refusal_is_not_kept(stack: &TestStack, token: &str) {
    let create = |size: &str| {
        send(keyed(stack, token, "two", "/api/v1/drafts", &json!({ "method": "ai", "size": size })))
    };
    create("a9").await.is_problem(400, "validation_failed");
    let mended = create("a5").await;
    assert!(mended.status == 201 && !is_replay(&mended), "{}", mended.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_meets_the_request_that_still_runs() {
    let stack = TestStack::start().await;
    let token = token_of(&stack, &stack.customer().await).await;
    let wish = json!({ "method": "ai" });
    let create = || keyed(&stack, &token, "slow", "/api/v1/drafts", &wish);
    // Nobody can write to the journal for a while.
    let mut holder = sqlx::PgConnection::connect(&stack.database.url).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE events IN EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let before = kept(&stack).await;
    let first = tokio::spawn(create().send());
    eventually("the first request has the key", async || (kept(&stack).await > before).then_some(())).await;
    let meanwhile = send(create()).await;
    meanwhile.is_problem(409, "idempotency_in_progress");
    assert_eq!(meanwhile.header("retry-after"), "1");
    // Its caller gives up; it goes on all the same.
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    held.commit().await.unwrap();
    let repeat = send_until_settled(create()).await;
    assert!(repeat.status == 201 && is_replay(&repeat), "{:?} {}", repeat.headers, repeat.text());
    let drafts: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE aggregate_type = 'draft'")
        .fetch_one(&stack.database.pool)
        .await
        .unwrap();
    assert_eq!(drafts, 1);
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_are_one() {
    let stack = TestStack::start().await;
    let token = token_of(&stack, &stack.customer().await).await;
    let wish = json!({ "method": "ai" });
    let all = (0..100).map(|_| send_until_settled(keyed(&stack, &token, "many", "/api/v1/drafts", &wish)));
    let all = futures::future::join_all(all).await;
    assert_eq!(all.iter().filter(|answer| !is_replay(answer)).count(), 1);
    for answer in &all {
        assert_eq!((answer.status, &answer.bytes), (201, &all[0].bytes), "{}", answer.text());
    }
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_a_login_only_the_same_request_finds_its_answer() {
    let stack = TestStack::start().await;
    let register_as = |name: &str, password: &str| {
        let body = json!({ "email": "tekrar@polikrami.example", "password": password, "name": name,
            "confirmPassword": password, "acceptTerms": true, "acceptPrivacy": true });
        send(
            request(&stack, Method::POST, "/api/v1/auth/register").header("idempotency-key", "r").json(&body),
        )
    };
    let register = |password: &str| register_as("Tekrar", password);
    let first = register(PASSWORD).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert_same(&first, &register(PASSWORD).await);
    register("Kapak-2027!").await.is_problem(409, "email_in_use");
    register_as("Başka", PASSWORD).await.is_problem(409, "idempotency_key_reused");
    let login = || {
        let body = json!({ "email": "tekrar@polikrami.example", "password": PASSWORD });
        let login = request(&stack, Method::POST, "/api/v1/auth/login").header("idempotency-key", "l");
        send(login.json(&body))
    };
    let (one, other) = (login().await, login().await);
    assert!(one.status == 200 && !is_replay(&other), "tokens are not kept: {}", one.text());
    assert_ne!(one.json()["refreshToken"], other.json()["refreshToken"]);
    stack.end().await;
}
