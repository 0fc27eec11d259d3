//! Each ordered failure hits once, in its own way, and is reported.

use crate::shop::{GOOD_CARD, RETRIEVE, client, hmac, iyzico, open, pay, send};
use serde_json::{Value, json};
use simulators::iyzico::{Call, Fault};

async fn order(base: &str, fault: &str) {
    let order = json!({ "call": "retrieve", "fault": fault });
    let answer = client().post(format!("{base}/_control/faults")).json(&order).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{fault}");
}

#[tokio::test]
async fn broken_answers_break_once() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let token = open(&base, "f-1").await;
    pay(&base, &token, GOOD_CARD).await;
    let body = json!({ "conversationId": "f-1", "token": token });
    for fault in ["timeout_before:10", "timeout_after:10", "error_500", "http_502_html", "cut_body"] {
        order(&base, fault).await;
        let broken = match send(&base, RETRIEVE, &body).await {
            Ok(response) if response.status() == 200 => response.bytes().await.is_err(),
            Ok(response) => response.status().is_server_error(),
            Err(error) => !error.is_timeout(),
        };
        assert!(broken, "{fault}");
        assert!(
            send(&base, RETRIEVE, &body).await.unwrap().json::<Value>().await.unwrap()["signature"]
                .is_string()
        );
    }
    let report = provider.faults().report();
    assert_eq!((report.fired.len(), report.queued.len()), (5, 0));
    assert_eq!((report.fired[2].call, report.fired[2].fault), (Call::Retrieve, Fault::Error500));
    assert_eq!(provider.ledger().calls[&Call::Retrieve], 10);
}

#[tokio::test]
async fn falsified_answers_are_well_signed_but_wrong() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let token = open(&base, "f-2").await;
    pay(&base, &token, GOOD_CARD).await;
    let body = json!({ "conversationId": "f-2", "token": token });
    for (fault, field, value) in [
        ("amount_changed", "paidPrice", json!(1.0)),
        ("other_basket", "basketId", json!("baska-bir-sepet")),
        ("other_conversation", "conversationId", json!("baska-bir-gorusme")),
        ("currency_changed", "currency", json!("USD")),
        ("in_review", "fraudStatus", json!(0)),
        ("bad_signature", "paymentStatus", json!("SUCCESS")),
        ("missing_signature", "signature", Value::Null),
        ("business_error:50000", "errorCode", json!("50000")),
        ("slow:20", "paymentStatus", json!("SUCCESS")),
    ] {
        order(&base, fault).await;
        let answer: Value = send(&base, RETRIEVE, &body).await.unwrap().json().await.unwrap();
        assert_eq!(answer[field], value, "{fault}");
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let price = if fault == "amount_changed" { "1" } else { "150" };
        let signed =
            ["paymentStatus", "paymentId", "currency", "basketId", "conversationId"].map(text).join(":");
        let genuine = answer["signature"] == hmac(&format!("{signed}:{price}:{price}:{token}"));
        assert_eq!(
            genuine,
            !["bad_signature", "missing_signature", "business_error:50000"].contains(&fault),
            "{fault}"
        );
    }
    assert_eq!(provider.faults().report().fired.len(), 9);
}

#[tokio::test]
async fn a_lost_cancel_has_happened_and_a_refused_one_has_not() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let cancelled = |order: &str| {
        let ledger = provider.ledger();
        ledger.by_conversation(order).unwrap().payment.as_ref().unwrap().cancelled_ms.is_some()
    };
    for (order, fault, happened) in [("f-3", "timeout_after:5", true), ("f-4", "timeout_before:5", false)] {
        let token = open(&base, order).await;
        pay(&base, &token, GOOD_CARD).await;
        let id = provider.ledger().checkouts[&token].payment.as_ref().unwrap().id.clone();
        let fault = json!({ "call": "cancel", "fault": fault });
        client().post(format!("{base}/_control/faults")).json(&fault).send().await.unwrap();
        assert!(send(&base, "/payment/cancel", &json!({ "paymentId": id })).await.is_err());
        assert_eq!(cancelled(order), happened);
    }
    client().delete(format!("{base}/_control/faults")).send().await.unwrap();
    assert!(provider.faults().report().fired.is_empty());
}
