//! What comes from outside is believed by nobody: forged, repeated, unknown and falsified callbacks.

use app::config::value::Span;
use app::demo::road::{self, CARD};
use app::demo::{Steps, browser};
use harness::{Fault, LIMIT, TestStack, assert_sound, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

async fn callback(stack: &TestStack, token: &str) -> (StatusCode, Value) {
    let url = format!("{}/api/v1/payments/callback", stack.endpoints.api);
    let answer = stack
        .client
        .post(url)
        .header("origin", "https://evil.example")
        .form(&[("token", token)])
        .send()
        .await
        .unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or(Value::Null))
}

/// The journal's events of one kind, as payloads.
async fn events(stack: &TestStack, aggregate: &str, event: &str) -> Vec<Value> {
    sqlx::query_scalar(
        "SELECT payload FROM events WHERE aggregate_type = $1 AND event_type = $2 ORDER BY position",
    )
    .bind(aggregate)
    .bind(event)
    .fetch_all(&stack.database.pool)
    .await
    .unwrap()
}

async fn logged(stack: &TestStack) -> Vec<String> {
    sqlx::query_scalar("SELECT outcome FROM callback_log ORDER BY id")
        .fetch_all(&stack.database.pool)
        .await
        .unwrap()
}

async fn status_of(person: &mut road::Person, payment: &str) -> Value {
    person.shop.get(&format!("/api/v1/payments/{payment}/status")).await.unwrap()["status"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_token_gets_a_clear_answer_and_leaves_a_trace() {
    let stack = TestStack::start().await;
    let (status, problem) = callback(&stack, "00000000-dead-beef-0000-000000000000").await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("unknown_payment_token")));
    let payments = "SELECT count(*) FROM events WHERE aggregate_type IN ('payment', 'order')";
    let written: i64 = sqlx::query_scalar(payments).fetch_one(&stack.database.pool).await.unwrap();
    assert_eq!(written, 0, "nothing happened to any payment");
    assert_eq!(logged(&stack).await.len(), 1);
    let (status, problem) = callback(&stack, "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    stack.end().await;
}

/// Whoever knows the token can only make us ask the provider, who says that nobody has paid.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_callback_pays_nothing() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    let token = attempt.page.path_segments().unwrap().next_back().unwrap().to_owned();
    let (status, _) = callback(&stack, &token).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let asked = async || {
        let ledger = stack.providers.iyzico.as_ref().unwrap().ledger();
        ledger.calls.iter().any(|(call, count)| format!("{call:?}") == "Retrieve" && *count > 0).then_some(())
    };
    eventually("the provider was asked", asked).await;
    assert_eq!(status_of(&mut person, &attempt.id).await, "pending");
    assert_eq!(events(&stack, "payment", "captured").await.len(), 0);
    // The true buyer is not disturbed by it.
    let back = road::pay_by_card(&stack.client, &attempt.page, CARD).await.unwrap();
    browser::leave(&stack.client, &back).await.unwrap();
    road::paid(&mut person.shop, &order, &attempt.id).await.unwrap();
    assert_sound(&stack).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_callback_changes_nothing_and_is_logged() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    let back = road::pay_by_card(&stack.client, &attempt.page, CARD).await.unwrap();
    browser::leave(&stack.client, &back).await.unwrap();
    road::paid(&mut person.shop, &order, &attempt.id).await.unwrap();
    road::invoice(&stack.client, &stack.endpoints, &mut person, &order, &mut Steps::quiet()).await.unwrap();
    let before = journal::read::head(&stack.database.pool).await.unwrap();
    for _ in 0..5 {
        let place = browser::leave(&stack.client, &back).await.unwrap();
        assert!(place.path().ends_with("/payment/result"), "{place}");
    }
    assert_eq!(journal::read::head(&stack.database.pool).await.unwrap(), before);
    assert_eq!(logged(&stack).await.len(), 6);
    assert_sound(&stack).await;
    stack.end().await;
}

/// The provider's answer does not fit: another amount, order, currency, conversation, or a bad signature.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_fit_the_payment_is_held_and_later_resolved() {
    let stack = TestStack::start().await;
    for fault in [
        "amount_changed",
        "other_basket",
        "currency_changed",
        "other_conversation",
        "bad_signature",
        "missing_signature",
    ] {
        let mut person = stack.customer().await;
        let order = stack.order(&mut person).await;
        let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
        let back = road::pay_by_card(&stack.client, &attempt.page, CARD).await.unwrap();
        let fault = Fault::Payment { call: "retrieve", fault };
        fault.order(&stack).await;
        browser::leave(&stack.client, &back).await.unwrap();
        let path = format!("/api/v1/payments/{}/status", attempt.id);
        let held = person
            .shop
            .wait_for("the hold", &path, LIMIT, |payment| (payment["status"] == "in_review").then_some(()));
        held.await.unwrap();
        fault.assert_fired(&stack).await;
        let order_now = person.shop.get(&format!("/api/v1/orders/{order}")).await.unwrap();
        assert_eq!(order_now["status"], "pending", "{fault:?}: never paid by an answer that does not fit");
        // The next, honest answer settles it.
        browser::leave(&stack.client, &back).await.unwrap();
        road::paid(&mut person.shop, &order, &attempt.id).await.unwrap();
    }
    let held = events(&stack, "payment", "held_for_review").await;
    assert!(held.iter().all(|event| event["reason"].as_str().unwrap().starts_with("mismatch:")), "{held:?}");
    assert_sound(&stack).await;
    stack.end().await;
}

/// The payer closes the browser: no callback ever comes, and the money is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_without_a_callback_is_found_by_asking() {
    let stack = TestStack::adjusted(|options| {
        harness::quick(options);
        options.timing.payment_checks = vec![Duration::from_millis(500)];
        options.timing.payment_check_rounds = 40;
    })
    .await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    road::pay_by_card(&stack.client, &attempt.page, CARD).await.unwrap();
    road::paid(&mut person.shop, &order, &attempt.id).await.unwrap();
    assert_eq!(events(&stack, "payment", "callback_received").await.len(), 0);
    assert_sound(&stack).await;
    stack.end().await;
}

/// The customer cancels while the bank page is open, and pays after all: the money goes back.
#[tokio::test(flavor = "multi_thread")]
async fn money_for_a_canceled_order_goes_back() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    person.shop.post(&format!("/api/v1/orders/{order}/cancel"), &json!({})).await.unwrap();
    let back = road::pay_by_card(&stack.client, &attempt.page, CARD).await.unwrap();
    browser::leave(&stack.client, &back).await.unwrap();
    let path = format!("/api/v1/payments/{}/status", attempt.id);
    let refunded = person
        .shop
        .wait_for("the refund", &path, LIMIT, |payment| (payment["status"] == "refunded").then_some(()));
    refunded.await.unwrap();
    let ledger = stack.providers.iyzico.as_ref().unwrap().ledger();
    assert!(ledger.checkouts.values().all(|one| one.payment.as_ref().unwrap().cancelled_ms.is_some()));
    assert_sound(&stack).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_leaves_the_order_payable() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    let back = road::pay_by_card(&stack.client, &attempt.page, "4111111111111129").await.unwrap();
    browser::leave(&stack.client, &back).await.unwrap();
    let path = format!("/api/v1/payments/{}/status", attempt.id);
    let failed = person
        .shop
        .wait_for("the refusal", &path, LIMIT, |payment| (payment["status"] == "failed").then_some(()));
    failed.await.unwrap();
    eventually("the attempt is closed", async || {
        (events(&stack, "order", "payment_ended").await.len() == 1).then_some(())
    })
    .await;
    road::pay(&stack.client, &mut person.shop, &order, &mut Steps::quiet()).await.unwrap();
    assert_sound(&stack).await;
    stack.end().await;
}

/// Left at the bank's page: the order becomes payable again, and money that comes after all is still found.
#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_bank_page_frees_the_order_and_late_money_is_still_found() {
    let clock = journal::Clock::manual(time::OffsetDateTime::now_utc());
    let stack = TestStack::adjusted(|options| {
        harness::quick(options);
        options.clock = clock.clone();
        options.timing.payment_checks = vec![Duration::from_mins(50)];
        options.settings.sessions.access_life = Span(Duration::from_hours(24));
    })
    .await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    let bank = road::to_the_bank(&stack.client, &attempt.page, CARD).await.unwrap();
    eventually("the first check is planned", async || {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM timers WHERE command->>'aggregate' = 'payment'")
                .fetch_one(&stack.database.pool)
                .await
                .unwrap();
        (waiting > 0).then_some(())
    })
    .await;
    clock.advance(time::Duration::minutes(51));
    eventually("the attempt is closed", async || {
        (events(&stack, "order", "payment_ended").await.len() == 1).then_some(())
    })
    .await;
    // The buyer types the code after all, and closes the browser.
    browser::submit(&stack.client, &road::bank_code(&bank).unwrap()).await.unwrap();
    clock.advance(time::Duration::minutes(51));
    eventually("the late money is found", async || {
        (events(&stack, "order", "paid").await.len() == 1).then_some(())
    })
    .await;
    eventually("the invoice follows", async || {
        (events(&stack, "order", "invoice_issued").await.len() == 1).then_some(())
    })
    .await;
    assert_sound(&stack).await;
    stack.end().await;
}
