//! Odd requests: each is answered, none with a 500, and what reaches the service as a problem document.

use super::http_edge::{get, post, request, send, token_of};
use harness::TestStack;
use harness::wire::{Raw, Wire};
use reqwest::Method;
use serde_json::json;

async fn raw(stack: &TestStack, text: &str) -> Raw {
    let address = stack.endpoints.api.strip_prefix("http://").unwrap().parse().unwrap();
    let mut wire = Wire::connect(address).await.unwrap();
    wire.send(text).await;
    wire.answer().await.unwrap_or_else(|broken| panic!("{broken:?} for {} bytes", text.len()))
}

fn is_problem(raw: &Raw, status: u16, code: &str) {
    assert_eq!((raw.status, &raw.json()["code"]), (status, &code.into()), "{raw:?}");
    assert_eq!(raw.header("content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_queries_that_are_no_text_are_refused() {
    let stack = TestStack::start().await;
    let token = token_of(&stack, &stack.customer().await).await;
    for (path, status) in [
        ("/api/v1/orders/%ff", 400),
        ("/api/v1/orders/%zz", 400),
        ("/api/v1/invoices/%ff", 400),
        ("/api/v1/invoices/%00", 400),
        ("/api/v1/orders?page=%00", 400),
        ("/api/v1/orders?page=%ff", 400),
        ("/api/v1/orders?page=%zz", 400),
        ("/api/v1/orders?page=-1", 400),
        ("/api/v1/orders?page=99999999999999999999", 400),
        ("/api/v1/orders?min_position=%ff", 400),
        ("/api/v1/locations/towns?provinceId=%ff", 400),
        ("/api/v1/%ff", 404),
        ("/uploads/%ff", 400),
        ("/uploads/..%2f..%2fetc%2fpasswd", 404),
    ] {
        let answer = get(&stack, &token, path).await;
        assert_eq!(answer.problem().0, status, "{path}: {}", answer.text());
    }
    let draft = post(&stack, &token, "/api/v1/drafts", &json!({ "method": "ai" })).await;
    let generate = format!("/api/v1/drafts/{}/ai/generate", draft.json()["data"]["id"].as_str().unwrap());
    let nul = post(&stack, &token, &generate, &json!({ "userPrompt": "deniz\u{0}" })).await;
    nul.is_problem(400, "validation_failed");
    assert_eq!(nul.json()["pointers"][0]["pointer"], "/userPrompt");
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_told_apart() {
    let stack = TestStack::start().await;
    let ask = |method: &str, path: &str| send(request(&stack, method.parse().unwrap(), path));
    for path in ["/health", "/api/v1/message-cards", "/api/v1/locations/provinces"] {
        let (head, whole) = (ask("HEAD", path).await, ask("GET", path).await);
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
    }
    assert_eq!(ask("HEAD", "/api/v1/nowhere").await.status, 404);
    for (method, path, allow) in [
        ("OPTIONS", "/api/v1/message-cards", "GET,HEAD"),
        ("TRACE", "/health", "GET,HEAD"),
        ("BREW", "/api/v1/message-cards", "GET,HEAD"),
    ] {
        let answer = ask(method, path).await;
        assert!(answer.status == 405 || answer.status == 403, "{method} {path}: {}", answer.text());
        answer.problem();
        if answer.status == 405 {
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_and_never_reset() {
    let stack = TestStack::start().await;
    let login = "POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    // More than any buffer on the way holds, and all of it sent.
    let size = 8 * 1024 * 1024;
    let body = " ".repeat(size);
    let answer = raw(&stack, &format!("{login}content-length: {size}\r\n\r\n{body}")).await;
    is_problem(&answer, 413, "payload_too_large");
    let chunk = format!("{size:x}\r\n{body}\r\n0\r\n\r\n");
    let answer = raw(&stack, &format!("{login}transfer-encoding: chunked\r\n\r\n{chunk}")).await;
    is_problem(&answer, 413, "payload_too_large");
    // Without a word of the body.
    let answer = raw(&stack, "POST /api/v1/drafts HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\n").await;
    is_problem(&answer, 403, "csrf_token_invalid");
    let long = "a".repeat(40 * 1024);
    let many: String = ["x-many: 1\r\n"; 150].concat();
    for text in [
        format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("GET /health HTTP/1.1\r\nhost: a\r\nx-long: {long}\r\n\r\n"),
        format!("GET /health HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
    ] {
        let answer = raw(&stack, &text).await;
        assert!(matches!(answer.status, 414 | 431), "{answer:?}");
    }
    assert_eq!(raw(&stack, "this is no HTTP\r\n\r\n").await.status, 400);
    assert_eq!(raw(&stack, "GET /health HTTP/1.1\r\nhost: a\r\n\r\n").await.status, 200);
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_pages_read_what_they_need_to_come_again() {
    let stack = TestStack::start().await;
    let ask = request(&stack, Method::GET, "/api/v1/message-cards").header("origin", "http://localhost:3000");
    let exposed = send(ask).await.header("access-control-expose-headers").to_ascii_lowercase();
    for name in
        ["etag", "ratelimit", "ratelimit-policy", "idempotent-replayed", "retry-after", "x-request-id"]
    {
        assert!(exposed.split(", ").any(|known| known == name), "{name} in {exposed}");
    }
    stack.end().await;
}
