//! What happens to sessions and what is on record of it are one.

use super::http_edge::{PASSWORD, get, post, request, send};
use super::http_sessions::{login, open, refresh, register, text};
use harness::TestStack;
use journal::tables::sessions;
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use time::Duration;

/// What cannot be recorded does not happen.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_begins_or_ends_without_its_record() {
    let stack = TestStack::start().await;
    assert_eq!(register(&stack, &json!({})).await.status, 201);
    let session = login(&stack, "deniz@example.com", PASSWORD, false).await;
    let (access, token) = (text(&session, "accessToken"), text(&session, "refreshToken"));
    let break_the_record = "ALTER TABLE security_events ADD CONSTRAINT full_up CHECK (false) NOT VALID";
    let mut owner = PgConnection::connect(&stack.database.url).await.unwrap();
    sqlx::raw_sql(break_the_record).execute(&mut owner).await.unwrap();
    login(&stack, "deniz@example.com", PASSWORD, false).await.is_problem(500, "internal");
    for path in ["/api/v1/auth/logout", "/api/v1/auth/logout-all"] {
        post(&stack, &access, path, &json!({})).await.is_problem(500, "internal");
    }
    let logout = open(&stack, "/api/v1/auth/logout").json(&json!({ "refreshToken": token }));
    send(logout).await.is_problem(500, "internal");
    let devices = get(&stack, &access, "/api/v1/auth/sessions").await.json();
    let ids: Vec<&str> =
        devices["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{devices}");
    let revoke = request(&stack, Method::DELETE, &format!("/api/v1/auth/sessions/{}", ids[0]));
    send(revoke.bearer_auth(&access)).await.is_problem(500, "internal");
    assert_eq!(refresh(&stack, &token).await.status, 200, "the session lives");
    // A replaced token ends its session only together with the record.
    sqlx::query(
        "UPDATE refresh_tokens SET used_at = used_at - interval '1 minute' WHERE used_at IS NOT NULL",
    )
    .execute(&stack.database.pool)
    .await
    .unwrap();
    refresh(&stack, &token).await.is_problem(500, "internal");
    let living: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions WHERE revoked_at IS NULL")
        .fetch_one(&stack.database.pool)
        .await
        .unwrap();
    assert_eq!(living, 1);
    used_tokens_are_forgotten_when_they_have_expired(&stack).await;
    stack.end().await;
}

/// The session lives on with the token that it has now.
async fn used_tokens_are_forgotten_when_they_have_expired(stack: &TestStack) {
    let pool = &stack.database.pool;
    let used = "UPDATE refresh_tokens SET expires_at = issued_at WHERE used_at IS NOT NULL";
    assert_eq!(sqlx::query(used).execute(pool).await.unwrap().rows_affected(), 1);
    let later = time::OffsetDateTime::now_utc() + Duration::minutes(1);
    assert_eq!(sessions::delete_expired_tokens(pool, later, 10).await.unwrap(), 1);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.revoked_at IS NULL AND t.used_at IS NULL")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(left, 1);
}
