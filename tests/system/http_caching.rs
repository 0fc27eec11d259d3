//! Who has an answer is told so, who has an old one cannot overwrite, and long answers are packed.

use super::http_edge::{Answer, get, post, request, send, token_of};
use flate2::read::GzDecoder;
use harness::{TestStack, eventually};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::io::Read;

fn shipping(city: &str) -> Value {
    json!({ "shipping": {
        "senderName": "Ayşe", "senderPhone": "0532 123 45 67", "receiverName": "Elif",
        "receiverPhone": "0533 765 43 21", "city": city, "district": "Merkez", "address": "Sokak 1",
    }})
}

fn ask(stack: &TestStack, token: &str, path: &str) -> RequestBuilder {
    request(stack, Method::GET, path).bearer_auth(token)
}

/// A draft, and where it is.
async fn draft(stack: &TestStack, token: &str) -> (Answer, String) {
    let made = post(stack, token, "/api/v1/drafts", &json!({ "method": "ai" })).await;
    let path = format!("/api/v1/drafts/{}", made.json()["data"]["id"].as_str().unwrap());
    (get(stack, token, &format!("{path}?min_position={}", made.header("x-journal-position"))).await, path)
}

async fn ship(stack: &TestStack, token: &str, draft: &str, city: &str, tag: &str) -> Answer {
    let ship = request(stack, Method::POST, &format!("{draft}/shipping")).bearer_auth(token);
    send(ship.header("if-match", tag).json(&shipping(city))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_sent_again_only_when_it_is_another() {
    let stack = TestStack::start().await;
    let token = token_of(&stack, &stack.customer().await).await;
    let (seen, path) = draft(&stack, &token).await;
    let tag = seen.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{:?}", seen.headers);
    assert_eq!(seen.header("cache-control"), "private, no-cache");
    for tags in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
        let again = send(ask(&stack, &token, &path).header("if-none-match", &tags)).await;
        assert_eq!((again.status, again.bytes.len()), (304, 0), "{tags}");
        assert_eq!((again.header("etag"), again.header("cache-control")), (&*tag, "private, no-cache"));
        assert_eq!(again.header("content-type"), "");
    }
    let changed = post(&stack, &token, &format!("{path}/shipping"), &shipping("Van")).await;
    let path = format!("{path}?min_position={}", changed.header("x-journal-position"));
    let now = send(ask(&stack, &token, &path).header("if-none-match", &tag)).await;
    assert_eq!(now.status, 200);
    assert_ne!(now.header("etag"), tag);
    for read in [
        "orders",
        "drafts",
        "invoices",
        "wallet",
        "wallet/history",
        "users/me",
        "auth/sessions",
        "message-cards",
    ] {
        let answer = get(&stack, &token, &format!("/api/v1/{read}")).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "private, no-cache"), "{read}");
        assert!(answer.header("etag").len() > 10, "{read}: {:?}", answer.headers);
    }
    for secret in ["/csrf", "/api/v1/nowhere"] {
        assert_eq!(get(&stack, &token, secret).await.header("etag"), "", "{secret}");
    }
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_overwrites_what_he_has_not_seen() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let token = token_of(&stack, &person).await;
    let (seen, path) = draft(&stack, &token).await;
    let old = seen.header("etag");
    let first = ship(&stack, &token, &path, "Van", old).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let late = ship(&stack, &token, &path, "Muş", old).await;
    late.is_problem(412, "precondition_failed");
    let place = format!("{path}?min_position={}", first.header("x-journal-position"));
    let now = get(&stack, &token, &place).await;
    assert_eq!(now.json()["data"]["shipping"]["city"], "Van");
    assert_eq!(now.header("etag"), late.header("etag"), "the refusal tells the present tag");
    one_of_many_editors_gets_through(&stack, &token, &path, now.header("etag")).await;
    assert_eq!(ship(&stack, &token, &path, "Bitlis", "*").await.status, 200);
    for nonsense in ["", "x", "\"x\""] {
        ship(&stack, &token, &path, "Muş", nonsense).await.is_problem(412, "precondition_failed");
    }
    let stranger = token_of(&stack, &stack.customer().await).await;
    ship(&stack, &stranger, &path, "Muş", "*").await.is_problem(404, "draft_not_found");
    an_order_is_cancelled_as_it_was_seen(&stack, &token, &stack.order(&mut person).await).await;
    stack.end().await;
}

async fn one_of_many_editors_gets_through(stack: &TestStack, token: &str, path: &str, tag: &str) {
    let weak = format!("W/{tag}");
    let editors = (0..20).map(|number| {
        let (city, tag) = (format!("Kent {number}"), if number % 2 == 0 { tag } else { &weak });
        async move { ship(stack, token, path, &city, tag).await.status }
    });
    let mut statuses = futures::future::join_all(editors).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| *status == 412), "{statuses:?}");
}

async fn an_order_is_cancelled_as_it_was_seen(stack: &TestStack, token: &str, order: &str) {
    let path = format!("/api/v1/orders/{order}");
    let cancel = |tag: String| {
        let cancel = request(stack, Method::POST, &format!("{path}/cancel")).bearer_auth(token);
        send(cancel.header("if-match", tag).json(&json!({})))
    };
    cancel("\"old\"".into()).await.is_problem(412, "precondition_failed");
    let seen = eventually("the order is shown", async || {
        let seen = get(stack, token, &path).await;
        (seen.status == 200).then_some(seen)
    })
    .await;
    let done = cancel(seen.header("etag").to_owned()).await;
    assert_eq!((done.status, &done.json()["status"]), (200, &json!("canceled")), "{}", done.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_without_secrets_are_packed() {
    let stack = TestStack::start().await;
    let places = |coding: &'static str| {
        let path = "/api/v1/locations/towns?provinceId=34";
        send(request(&stack, Method::GET, path).header("accept-encoding", coding))
    };
    let plain = places("identity").await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, ""));
    let forbidden = places("*;q=0").await;
    assert_eq!((forbidden.status, &forbidden.bytes), (200, &plain.bytes));
    for coding in ["gzip", "br"] {
        let packed = places(coding).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, coding));
        assert!(
            packed.bytes.len() * 3 < plain.bytes.len(),
            "{} of {}",
            packed.bytes.len(),
            plain.bytes.len()
        );
        assert_eq!(packed.header("etag"), format!("W/{}", plain.header("etag")));
        assert!(packed.headers.get_all("vary").iter().any(|value| value == "accept-encoding"));
    }
    let mut text = Vec::new();
    GzDecoder::new(&places("gzip").await.bytes[..]).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.bytes);
    let weak = format!("W/{}", plain.header("etag"));
    let path = "/api/v1/locations/towns?provinceId=34";
    let again = send(request(&stack, Method::GET, path).header("if-none-match", weak)).await;
    assert_eq!(again.status, 304);
    let login = &stack.endpoints.logins.admin;
    let login = json!({ "email": login.email, "password": login.password });
    let login = request(&stack, Method::POST, "/api/v1/auth/login")
        .header("accept-encoding", "br, gzip")
        .json(&login);
    let login = send(login).await;
    assert_eq!((login.status, login.header("content-encoding")), (200, ""), "tokens are never packed");
    stack.end().await;
}

/// What a person keeps of himself, read in two windows and changed in both.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_windows_the_second_does_not_overwrite() {
    let stack = TestStack::start().await;
    let mine = token_of(&stack, &stack.customer().await).await;
    let home = json!({ "fullName": "Ayşe Yılmaz", "phone": "0532 123 45 67", "line1": "Moda Caddesi 5",
        "city": "İstanbul", "district": "Kadıköy", "postalCode": "34710" });
    let saved = post(&stack, &mine, "/api/v1/addresses", &home).await.json();
    let address = format!("/api/v1/addresses/{}", saved["id"].as_str().unwrap());
    let tag = async |path: &str| get(&stack, &mine, path).await.header("etag").to_owned();
    let change = |method: Method, path: String, tag: String, body: Value| {
        send(request(&stack, method, &path).bearer_auth(&mine).header("if-match", tag).json(&body))
    };
    for (shown, changed, first, second) in [
        (address.as_str(), address.as_str(), json!({ "label": "Ev" }), json!({ "label": "Büro" })),
        (
            "/api/v1/users/privacy-settings",
            "/api/v1/users/me/privacy",
            json!({ "showEmail": true }),
            json!({ "showPhone": true }),
        ),
        ("/api/v1/users/me", "/api/v1/users/profile", json!({ "company": "A" }), json!({ "company": "B" })),
    ] {
        let seen = tag(shown).await;
        let done = change(Method::PUT, changed.to_owned(), seen.clone(), first).await;
        assert_eq!(done.status, 200, "{changed}: {}", done.text());
        let late = change(Method::PUT, changed.to_owned(), seen, second.clone()).await;
        late.is_problem(412, "precondition_failed");
        let now = tag(shown).await;
        assert_eq!(late.header("etag"), now, "{changed}");
        assert_eq!(change(Method::PUT, changed.to_owned(), now, second).await.status, 200, "{changed}");
    }
    let stale = "\"old\"".to_owned();
    change(Method::POST, format!("{address}/default"), stale.clone(), json!({}))
        .await
        .is_problem(412, "precondition_failed");
    change(Method::DELETE, address.clone(), stale, json!({})).await.is_problem(412, "precondition_failed");
    let now = tag(&address).await;
    assert_eq!(change(Method::DELETE, address, now, json!({})).await.status, 204);
    stack.end().await;
}
