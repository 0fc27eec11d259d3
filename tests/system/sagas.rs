//! Every flow, with each message delivered twice, and with each of its outbound calls failing once.

use app::demo::{Steps, browser, road};
use harness::{Doubler, Fault, LIMIT, TestStack, assert_sound, each_call_failing_once, eventually};
use serde_json::json;
use std::time::Duration;

/// All five flows on one road, up to the mail with the invoice.
async fn whole_road(stack: &TestStack) {
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    road::pay(&stack.client, &mut person.shop, &order, &mut Steps::quiet()).await.unwrap();
    let invoiced =
        road::invoice(&stack.client, &stack.endpoints, &mut person, &order, &mut Steps::quiet()).await;
    invoiced.unwrap();
    no_dead_letters(stack).await;
}

async fn no_dead_letters(stack: &TestStack) {
    let letters = journal::dead_letters::list(&stack.database.pool, None, None, 10).await.unwrap();
    assert!(letters.is_empty(), "{letters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flow_takes_each_message_twice() {
    let stack = TestStack::start().await;
    let doubler = Doubler::start(&stack.nats.url).await;
    whole_road(&stack).await;
    let head = journal::read::head(&stack.database.pool).await.unwrap();
    eventually("every message was doubled", async || {
        (doubler.count() >= u64::try_from(head).unwrap()).then_some(())
    })
    .await;
    let sound = assert_sound(&stack).await;
    assert_eq!((sound.captured, sound.invoices), (1, 1));
    let mailbox = stack.providers.mailbox.as_ref().unwrap().ledger();
    assert!(mailbox.counts.values().all(|count| *count == 1), "a mail went out twice: {:?}", mailbox.counts);
    let pictures = stack.providers.stability.as_ref().unwrap().ledger();
    assert!(pictures.charges_by_picture.values().all(|charges| *charges == 1), "a picture was paid twice");
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_survives_each_call_to_the_payment_provider_failing_once() {
    let stack = TestStack::impatient().await;
    let fault = |call, fault| Fault::Payment { call, fault };
    let faults = [
        fault("initialize", "timeout_before:7000"),
        fault("initialize", "timeout_after:7000"),
        fault("initialize", "error_500"),
        fault("initialize", "http_502_html"),
        fault("initialize", "cut_body"),
        fault("initialize", "business_error"),
        fault("retrieve", "timeout_before:7000"),
        fault("retrieve", "timeout_after:7000"),
        fault("retrieve", "error_500"),
        fault("retrieve", "http_502_html"),
        fault("retrieve", "cut_body"),
    ];
    each_call_failing_once(&stack, &faults, whole_road).await;
    let sound = assert_sound(&stack).await;
    assert_eq!(sound.captured, faults.len());
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ai_generation_survives_each_call_to_the_picture_provider_failing_once() {
    let stack = TestStack::impatient().await;
    let fault = |fault| Fault::Picture { call: "core", fault };
    let faults = [
        fault("timeout_before:7000"),
        fault("timeout_after:7000"),
        fault("error_500"),
        fault("http_502_html"),
        fault("http_502_after"),
        fault("cut_headers"),
        fault("cut_body"),
        fault("truncated_picture"),
        fault("wrong_content_type"),
    ];
    each_call_failing_once(&stack, &faults, async |stack: &TestStack| {
        let mut person = stack.customer().await;
        road::paint(&mut person.shop, &mut Steps::quiet()).await.unwrap();
        no_dead_letters(stack).await;
    })
    .await;
    let ledger = stack.providers.stability.as_ref().unwrap().ledger();
    let allowed = u32::from(domain::ai_job::ATTEMPTS_MAX);
    assert!(ledger.charges_by_picture.values().all(|charges| *charges <= allowed), "{ledger:?}");
    assert_sound(&stack).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_although_each_step_of_the_dialogue_fails_once() {
    let stack = TestStack::impatient().await;
    let fault = |call, fault| Fault::Mail { call, fault };
    let faults = [
        fault("greeting", "stall:7000"),
        fault("greeting", "close"),
        fault("ehlo", "stall:7000"),
        fault("mail", "reply:421"),
        fault("rcpt", "stall:7000"),
        fault("rcpt", "reply:450"),
        fault("data", "close"),
        fault("dot", "stall:7000"),
        fault("dot", "reply:451"),
        fault("dot", "close"),
        fault("dot", "close_after_dot"),
    ];
    each_call_failing_once(&stack, &faults, async |stack: &TestStack| {
        stack.customer().await;
        no_dead_letters(stack).await;
    })
    .await;
    let ledger = stack.providers.mailbox.as_ref().unwrap().ledger();
    // Between the server's acceptance and its answer lies a window that no client can close: at most one double.
    assert!(ledger.counts.values().all(|count| *count <= 2), "{:?}", ledger.counts);
    assert_sound(&stack).await;
    stack.end().await;
}

/// A wrong key is for an operator, and the customer is not left hanging: the credits return, the draft is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_of_the_picture_provider_gives_the_credits_back_and_alerts() {
    let stack = TestStack::with_wrong_picture_key().await;
    let (mut person, generate, wish) = stack.picture_asked().await;
    let back = person
        .shop
        .wait_for("the credits", "/api/v1/wallet", LIMIT, |wallet| (wallet["balance"] == 500).then_some(()));
    back.await.unwrap();
    // The credits come first: the customer must not wait for the operator.
    let letters = eventually("the dead letter", async || {
        let letters = journal::dead_letters::list(&stack.database.pool, None, None, 10).await.unwrap();
        (!letters.is_empty()).then_some(letters)
    })
    .await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    person.shop.post(&generate, &wish).await.unwrap();
    stack.end().await;
}

/// A canceled order that is paid all the same, up to the money's way back.
async fn surplus_returned(stack: &TestStack) {
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    let attempt = road::begin_payment(&mut person.shop, &order).await.unwrap();
    person.shop.post(&format!("/api/v1/orders/{order}/cancel"), &json!({})).await.unwrap();
    let back = road::pay_by_card(&stack.client, &attempt.page, road::CARD).await.unwrap();
    browser::leave(&stack.client, &back).await.unwrap();
    let path = format!("/api/v1/payments/{}/status", attempt.id);
    let refunded = person
        .shop
        .wait_for("the refund", &path, LIMIT, |payment| (payment["status"] == "refunded").then_some(()));
    refunded.await.unwrap();
    no_dead_letters(stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_back_once_although_each_call_of_its_way_back_fails_once() {
    let stack = TestStack::impatient().await;
    let fault = |call, fault| Fault::Payment { call, fault };
    let faults = [
        fault("report", "timeout_before:7000"),
        fault("report", "error_500"),
        fault("cancel", "timeout_before:7000"),
        fault("cancel", "timeout_after:7000"),
        fault("cancel", "error_500"),
        fault("cancel", "http_502_html"),
        fault("cancel", "cut_body"),
    ];
    each_call_failing_once(&stack, &faults, surplus_returned).await;
    let sound = assert_sound(&stack).await;
    assert_eq!(sound.captured, faults.len());
    let ledger = stack.providers.iyzico.as_ref().unwrap().ledger();
    for checkout in ledger.checkouts.values().filter(|checkout| checkout.payment.is_some()) {
        assert!(checkout.payment.as_ref().unwrap().cancelled_ms.is_some(), "{checkout:?}");
    }
    stack.end().await;
}

/// When the token's answer cannot be used, the payment is asked for by its own id; that call may fail as well.
#[tokio::test(flavor = "multi_thread")]
async fn the_second_way_to_ask_about_a_payment_may_fail_once_too() {
    let stack = TestStack::impatient().await;
    let fault = |fault| Fault::Payment { call: "detail", fault };
    let faults = [
        fault("timeout_before:7000"),
        fault("timeout_after:7000"),
        fault("error_500"),
        fault("http_502_html"),
        fault("cut_body"),
    ];
    each_call_failing_once(&stack, &faults, async |stack: &TestStack| {
        Fault::Payment { call: "retrieve", fault: "business_error:1" }.order(stack).await;
        whole_road(stack).await;
    })
    .await;
    let sound = assert_sound(&stack).await;
    assert_eq!(sound.captured, faults.len());
    stack.end().await;
}

/// A shop whose flows hear by messages alone, once they have begun.
async fn without_regular_looks() -> TestStack {
    TestStack::adjusted(|options| {
        harness::quick(options);
        options.policy.self_check = Duration::from_hours(1);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_whose_consumer_is_gone_opens_another_one() {
    let mut stack = without_regular_looks().await;
    whole_road(&stack).await;
    stack.nats.kill();
    stack.nats.wipe();
    stack.nats.restart().await;
    whole_road(&stack).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_the_flows_live_from_the_journal() {
    let mut stack = without_regular_looks().await;
    stack.nats.kill();
    whole_road(&stack).await;
    stack.end().await;
}
