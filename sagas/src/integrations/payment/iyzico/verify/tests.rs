use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::super::vectors;
use super::*;

const SECRET: &str = "sandbox-test-secret";
const TOKEN: &str = "0b7b67d2-fdf0-4c9a-905f-2b0003b1b8c7";

fn expected() -> Expected {
    Expected {
        payment_id: Uuid::from_u128(1),
        order_id: Uuid::from_u128(2),
        amount: Money::lira(14_990),
        token: TOKEN.to_owned(),
    }
}

fn paid_answer() -> Value {
    json!({
        "status": "success", "paymentStatus": "SUCCESS", "fraudStatus": 1, "paymentId": "24478123",
        "currency": "TRY", "basketId": expected().order_id, "conversationId": expected().payment_id,
        "price": "149.90", "paidPrice": "149.9", "token": TOKEN, "installment": 1,
        "cardAssociation": "TROY", "lastFourDigits": "0001",
        "itemTransactions": [{"itemId": "l1", "paymentTransactionId": "77", "paidPrice": "149.90"}]
    })
}

fn sign(answer: &mut Value, source: Source) {
    let field = |name: &str| match &answer[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let amount = |name: &str| Amount::parse(&field(name)).unwrap().in_signature();
    let core = [
        field("paymentId"),
        field("currency"),
        field("basketId"),
        field("conversationId"),
        amount("paidPrice"),
        amount("price"),
    ]
    .join(":");
    let signed = match source {
        Source::Detail => core,
        Source::Retrieve => format!("{}:{core}:{}", field("paymentStatus"), field("token")),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    answer["signature"] = hex::encode(mac.finalize().into_bytes()).into();
}

fn verdict(answer: &Value, source: Source) -> Option<Verification> {
    let answer: Answer = serde_json::from_str(&answer.to_string()).unwrap();
    judge(&SecretKey::new(SECRET), &answer, &expected(), source)
}

fn changed(field: &str, value: Value) -> Verification {
    let mut answer = paid_answer();
    answer[field] = value;
    sign(&mut answer, Source::Retrieve);
    verdict(&answer, Source::Retrieve).unwrap()
}

fn differing(verification: Verification) -> Vec<&'static str> {
    match verification {
        Verification::Mismatch { differences, .. } => differences.iter().map(|each| each.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_paid_answer_that_agrees_is_paid() {
    for source in [Source::Retrieve, Source::Detail] {
        let mut answer = paid_answer();
        sign(&mut answer, source);
        let Some(Verification::Paid { provider_payment_id, paid, lines, card, installment, .. }) =
            verdict(&answer, source)
        else {
            panic!("not paid");
        };
        assert_eq!((provider_payment_id.as_str(), paid, installment), ("24478123", Money::lira(14_990), 1));
        assert_eq!(lines[0].transaction_id, "77");
        assert_eq!(card.unwrap().last_four, "0001");
    }
}

#[test]
fn every_field_that_disagrees_is_named() {
    assert_eq!(differing(changed("price", json!(149.91))), ["price"]);
    assert_eq!(differing(changed("paidPrice", json!("164.89"))), ["paidPrice"]);
    assert_eq!(differing(changed("currency", json!("USD"))), ["currency"]);
    assert_eq!(differing(changed("basketId", Value::Null)), ["basketId"]);
    assert_eq!(differing(changed("conversationId", json!("x"))), ["conversationId"]);
    assert_eq!(differing(changed("token", json!("other"))), ["token"]);
    assert_eq!(differing(changed("paymentId", Value::Null)), ["paymentId"]);
    assert_eq!(differing(changed("fraudStatus", Value::Null)), ["fraudStatus"]);
    assert_eq!(differing(changed("itemTransactions", json!([{}]))), ["itemTransactions"]);
}

#[test]
fn success_without_our_signature_is_not_believed() {
    let unsigned = paid_answer();
    assert_eq!(differing(verdict(&unsigned, Source::Retrieve).unwrap()), ["signature"]);
    let mut of_another_call = paid_answer();
    sign(&mut of_another_call, Source::Detail);
    assert_eq!(differing(verdict(&of_another_call, Source::Retrieve).unwrap()), ["signature"]);
}

#[test]
fn review_is_neither_success_nor_failure() {
    assert!(matches!(changed("fraudStatus", json!(0)), Verification::InReview { .. }));
    assert!(matches!(changed("fraudStatus", json!(-1)),
        Verification::Failed { code, group: FailureGroup::SayNothing } if code == "fraud_rejected"));
}

#[test]
fn a_payment_under_way_is_open_and_a_failed_one_failed() {
    assert!(matches!(changed("paymentStatus", json!("CALLBACK_THREEDS")),
        Verification::Open { status } if status == "CALLBACK_THREEDS"));
    assert!(matches!(changed("paymentStatus", json!("FAILURE")), Verification::Failed { .. }));
    let mut forged = paid_answer();
    forged["paymentStatus"] = "FAILURE".into();
    forged["signature"] = "00".into();
    assert_eq!(differing(verdict(&forged, Source::Retrieve).unwrap()), ["signature"]);
    assert_eq!(verdict(&json!({"status": "success"}), Source::Retrieve), None);
}

#[test]
fn a_page_that_was_never_used_has_no_payment() {
    let mut unused = paid_answer();
    unused["paymentStatus"] = "INIT_THREEDS".into();
    assert!(matches!(verdict(&unused, Source::Detail), Some(Verification::Open { .. })));
    unused["paymentId"] = Value::Null;
    assert_eq!(verdict(&unused, Source::Detail), Some(Verification::NotStarted));
}

#[test]
fn the_published_answers_verify_as_they_are_written() {
    let mut checked = 0;
    for vector in vectors::of("response_signature") {
        let text = |name: &str| vector[name].as_str().unwrap();
        let source = match text("endpoint") {
            "/payment/iyzipos/checkoutform/auth/ecom/detail" => Source::Retrieve,
            path if vector["fields"][0] == "paymentId" && vector["fields"][1] == "currency" => {
                assert!(path.starts_with("/payment/"));
                Source::Detail
            }
            path if path.contains("/checkoutform/initialize/") => {
                let answer: Answer = serde_json::from_str(text("response_text")).unwrap();
                assert!(
                    SecretKey::new(text("secret_key"))
                        .has_signed(&answer.opening_fields(), text("signature"))
                );
                checked += 1;
                continue;
            }
            _ => continue,
        };
        let mut answer: Answer = serde_json::from_str(text("response_text")).unwrap();
        answer.signature = Some(text("signature").to_owned());
        assert!(signed(&SecretKey::new(text("secret_key")), &answer, source), "{}", text("kind"));
        checked += 1;
    }
    assert!(checked >= 12, "{checked}");
}
