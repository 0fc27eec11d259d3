//! From draft to invoice as a stranger, an impatient and a poor customer meet it.

use super::http_edge::{Answer, get, post, request, send, token_of};
use app::demo::{Steps, road};
use harness::{Fault, TestStack, assert_sound, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Instant;

async fn create(stack: &TestStack, token: &str, key: Option<&str>, body: &Value) -> Answer {
    let mut ask = request(stack, Method::POST, "/api/v1/drafts").bearer_auth(token).json(body);
    if let Some(key) = key {
        ask = ask.header("idempotency-key", key);
    }
    send(ask).await
}

async fn draft(stack: &TestStack, token: &str) -> String {
    let made = create(stack, token, None, &json!({ "method": "ai" })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["data"]["id"].as_str().unwrap().to_owned()
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_once_and_is_nobody_elses() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let token = token_of(&stack, &person).await;
    let painted = road::paint(&mut person.shop, &mut Steps::quiet()).await.unwrap();
    let original = format!("/api/v1/drafts/{}/ai/original/{}", painted.id, painted.image);
    let order = road::order(&mut person.shop, &painted.id, &mut Steps::quiet()).await.unwrap();
    get(&stack, &token, &original).await.is_problem(403, "original_not_paid");
    committing_again_answers_the_same_order(&stack, &token, &painted.id, &order).await;
    paying_twice_opens_one_page(&stack, &token, &order).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    road::pay(&stack.client, &mut person.shop, &order, &mut Steps::quiet()).await.unwrap();
    let wish = json!({ "orderId": order, "paymentMethod": "credit_card" });
    let again = post(&stack, &token, "/api/v1/payments/initiate", &wish).await;
    again.is_problem(409, "order_already_paid");
    let cancel = post(&stack, &token, &format!("/api/v1/orders/{order}/cancel"), &json!({})).await;
    cancel.is_problem(409, "order_cancel_not_possible");
    let picture = get(&stack, &token, &original).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/png"));
    assert!(picture.bytes.starts_with(b"\x89PNG"));
    let invoice = the_invoice_is_listed_and_printed(&stack, &token, &order).await;
    let places = Places { draft: painted.id, image: painted.image, order, payment: attempt.id, invoice };
    strangers_find_nothing(&stack, &places).await;
    assert_sound(&stack).await;
    stack.end().await;
}

async fn committing_again_answers_the_same_order(stack: &TestStack, token: &str, draft: &str, order: &str) {
    let again = post(stack, token, &format!("/api/v1/drafts/{draft}/commit"), &json!({})).await;
    assert_eq!((again.status, &again.json()["data"]["id"]), (201, &json!(order)), "{}", again.text());
    let generate = format!("/api/v1/drafts/{draft}/ai/generate");
    let late = post(stack, token, &generate, &json!({ "prompt": "x" })).await;
    late.is_problem(409, "draft_already_committed");
}

async fn paying_twice_opens_one_page(stack: &TestStack, token: &str, order: &str) {
    let wish = json!({ "orderId": order, "paymentMethod": "credit_card" });
    let pay = |key: &'static str, body: Value| {
        let ask = request(stack, Method::POST, "/api/v1/payments/initiate").bearer_auth(token);
        send(ask.header("idempotency-key", key).json(&body))
    };
    let first = pay("one", wish.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert!(number(first.header("x-journal-position")) > 0);
    for key in ["one", "two"] {
        let again = pay(key, wish.clone()).await;
        assert_eq!((again.status, again.json()), (201, first.json()), "{key}");
    }
    let other = json!({ "orderId": order, "paymentMethod": "bank_transfer" });
    let reused = pay("one", other).await;
    assert_eq!(reused.json()["paymentId"].as_str().unwrap_or_default(), "", "{}", reused.text());
    reused.is_problem(409, "idempotency_key_reused");
    let unknown = json!({ "orderId": order, "paymentMethod": "cash" });
    pay("three", unknown).await.is_problem(400, "validation_failed");
}

async fn the_invoice_is_listed_and_printed(stack: &TestStack, token: &str, order: &str) -> String {
    let invoice = eventually("the invoice is listed", async || {
        let listed = get(stack, token, "/api/v1/invoices").await.json();
        assert!(listed["pagination"]["total"].is_u64(), "{listed}");
        listed["items"].as_array().unwrap().iter().find(|one| one["orderId"] == order).cloned()
    })
    .await;
    let shown = get(stack, token, &format!("/api/v1/invoices/{}", invoice["number"].as_str().unwrap())).await;
    assert_eq!(shown.json(), invoice);
    let cents = |value: &Value, key: &str| value[key].as_i64().unwrap();
    assert_eq!(cents(&invoice, "netCents") + cents(&invoice, "vatCents"), cents(&invoice, "grossCents"));
    let order = get(stack, token, &format!("/api/v1/orders/{order}")).await.json();
    assert_eq!(cents(&invoice, "grossCents"), cents(&order, "totalCents"));
    let pdf = eventually("the PDF is filed", async || {
        let pdf = get(stack, token, invoice["pdfUrl"].as_str().unwrap()).await;
        (pdf.status != 409).then_some(pdf)
    })
    .await;
    assert_eq!((pdf.status, pdf.header("content-type")), (200, "application/pdf"));
    assert!(pdf.bytes.starts_with(b"%PDF"));
    invoice["number"].as_str().unwrap().to_owned()
}

struct Places {
    draft: String,
    image: String,
    order: String,
    payment: String,
    invoice: String,
}

/// Another customer meets the same answers as for what does not exist.
async fn strangers_find_nothing(stack: &TestStack, places: &Places) {
    let stranger = stack.customer().await;
    let token = token_of(stack, &stranger).await;
    let Places { draft, image, order, payment, invoice } = places;
    for (path, code) in [
        (format!("/orders/{order}"), "order_not_found"),
        (format!("/drafts/{draft}"), "draft_not_found"),
        (format!("/drafts/{draft}/ai/results"), "draft_not_found"),
        (format!("/drafts/{draft}/ai/original/{image}"), "image_not_found"),
        (format!("/payments/{payment}/status"), "payment_not_found"),
        (format!("/invoices/{invoice}"), "invoice_not_found"),
        (format!("/invoices/{invoice}/pdf"), "invoice_not_found"),
    ] {
        get(stack, &token, &format!("/api/v1{path}")).await.is_problem(404, code);
        let nobody = send(request(stack, Method::GET, &format!("/api/v1{path}"))).await;
        nobody.is_problem(401, "unauthorized");
    }
    for (path, body, code) in [
        (format!("/orders/{order}/cancel"), json!({}), "order_not_found"),
        (format!("/drafts/{draft}/commit"), json!({}), "draft_not_found"),
        (format!("/drafts/{draft}/ai/generate"), json!({ "prompt": "x" }), "draft_not_found"),
        (format!("/drafts/{draft}/ai/select"), json!({ "imageId": image }), "draft_not_found"),
        (
            "/payments/initiate".into(),
            json!({ "orderId": order, "paymentMethod": "credit_card" }),
            "order_not_found",
        ),
    ] {
        post(stack, &token, &format!("/api/v1{path}"), &body).await.is_problem(404, code);
    }
    for list in ["/orders", "/drafts", "/invoices"] {
        let listed = get(stack, &token, &format!("/api/v1{list}")).await;
        assert!(!listed.text().contains(order.as_str()), "{list}: {}", listed.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_made_once_and_ordered_only_when_complete() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let token = token_of(&stack, &person).await;
    a_key_names_one_draft(&stack, &token).await;
    what_is_missing_is_named(&stack, &token, &mut person).await;
    queries_wait_only_so_long(&stack, &token).await;
    stack.end().await;
}

async fn a_key_names_one_draft(stack: &TestStack, token: &str) {
    let wish = json!({ "method": "ai", "size": "a6" });
    let first = create(stack, token, Some("mine"), &wish).await;
    let again = create(stack, token, Some("mine"), &wish).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text());
    assert_eq!(first.json()["data"]["id"], again.json()["data"]["id"]);
    assert_eq!(first.header("x-journal-position"), again.header("x-journal-position"));
    let other = create(stack, token, Some("mine"), &json!({ "method": "ai", "size": "a4" })).await;
    other.is_problem(409, "idempotency_key_reused");
    let long = "k".repeat(256);
    create(stack, token, Some(&long), &wish).await.is_problem(400, "invalid_idempotency_key");
    let position = number(first.header("x-journal-position"));
    let listed = get(stack, token, &format!("/api/v1/drafts?min_position={position}")).await.json();
    assert_eq!(listed["pagination"]["total"], 1, "{listed}");
}

/// Each time the first thing that is missing, until nothing is.
async fn what_is_missing_is_named(stack: &TestStack, token: &str, person: &mut road::Person) {
    let bare = draft(stack, token).await;
    let commit =
        async |draft: &str| post(stack, token, &format!("/api/v1/drafts/{draft}/commit"), &json!({})).await;
    commit(&bare).await.is_problem(409, "draft_picture_missing");
    let painted = road::paint(&mut person.shop, &mut Steps::quiet()).await.unwrap();
    commit(&painted.id).await.is_problem(409, "draft_message_card_missing");
    let cards = get(stack, token, "/api/v1/message-cards").await.json();
    let wrong = json!({ "messageCardId": painted.id, "to": "Elif", "signature": "A", "content": "Selam" });
    let card = format!("/api/v1/drafts/{}/message-card", painted.id);
    post(stack, token, &card, &wrong).await.is_problem(400, "message_card_not_found");
    let words =
        json!({ "messageCardId": cards[0]["id"], "to": "Elif", "signature": "A", "content": "Selam" });
    let chosen = post(stack, token, &card, &words).await;
    assert_eq!(chosen.status, 200, "{}", chosen.text());
    commit(&painted.id).await.is_problem(409, "draft_shipping_missing");
    let phone = json!({ "shipping": {
        "senderName": "A", "senderPhone": "123", "receiverName": "B", "receiverPhone": "05337654321",
        "city": "Van", "district": "Merkez", "address": "Sokak 1",
    }});
    let refused = post(stack, token, &format!("/api/v1/drafts/{}/shipping", painted.id), &phone).await;
    refused.is_problem(400, "validation_failed");
    assert_eq!(refused.json()["pointers"][0]["pointer"], "/shipping/senderPhone");
    road::order(&mut person.shop, &painted.id, &mut Steps::quiet()).await.unwrap();
}

async fn queries_wait_only_so_long(stack: &TestStack, token: &str) {
    let ahead = get(stack, token, "/api/v1/orders?min_position=1000000000").await;
    ahead.is_problem(409, "position_ahead");
    let held = stack.database.held_readers().await;
    let made = create(stack, token, None, &json!({ "method": "ai" })).await;
    let begun = Instant::now();
    let path = format!("/api/v1/orders?min_position={}", made.header("x-journal-position"));
    let late = get(stack, token, &path).await;
    held.rollback().await.unwrap();
    let took = begun.elapsed().as_secs();
    late.is_problem(503, "not_yet_visible");
    assert!((1..=5).contains(&number(late.header("retry-after"))), "{:?}", late.headers);
    assert!((4..15).contains(&took), "{took} s");
    for bad in ["-1", "x", ""] {
        let refused = get(stack, token, &format!("/api/v1/orders?min_position={bad}")).await;
        refused.is_problem(400, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_cost_more_each_time_until_the_credits_are_gone() {
    let stack = TestStack::start().await;
    let person = stack.customer().await;
    let token = token_of(&stack, &person).await;
    let draft = draft(&stack, &token).await;
    let generate = format!("/api/v1/drafts/{draft}/ai/generate");
    let wish = json!({ "userPrompt": "a lighthouse", "count": 1 });
    let none = post(&stack, &token, &format!("/api/v1/drafts/{draft}/ai/regen"), &json!({})).await;
    none.is_problem(409, "no_earlier_generation");
    post(&stack, &token, &generate, &json!({ "userPrompt": " ", "count": 5 }))
        .await
        .is_problem(400, "validation_failed");
    let slow = Fault::Picture { call: "core", fault: "slow:5000" };
    for (round, cost) in [100, 100, 200].into_iter().enumerate() {
        if round == 0 {
            slow.order(&stack).await;
        }
        let accepted = post(&stack, &token, &generate, &wish).await;
        assert_eq!((accepted.status, &accepted.json()["cost"]), (202, &json!(cost)), "{}", accepted.text());
        if round == 0 {
            post(&stack, &token, &generate, &wish).await.is_problem(409, "draft_busy");
        }
        eventually("the pictures are there", async || {
            let shown = get(&stack, &token, &format!("/api/v1/drafts/{draft}")).await.json();
            let (done, busy) = (&shown["data"]["aiRegenCount"], &shown["data"]["generatingJobId"]);
            (done.as_u64() == u64::try_from(round + 1).ok() && busy.is_null()).then_some(())
        })
        .await;
    }
    slow.assert_fired(&stack).await;
    let poor = post(&stack, &token, &generate, &wish).await;
    poor.is_problem(402, "insufficient_credits");
    assert_eq!(poor.json()["need"], 200, "100 are left of 500, and 300 are asked for");
    let balance = async || {
        let wallet = get(&stack, &token, "/api/v1/wallet").await.json();
        (wallet["balance"] == 100).then_some(())
    };
    eventually("the wallet shows what is left", balance).await;
    assert_sound(&stack).await;
    stack.end().await;
}
