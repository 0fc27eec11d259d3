//! The client against a scripted server: which calls it makes, and what it makes of the answers.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use domain::Money;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::super::{Address, BasketLine, Buyer, FailureGroup, LineKind, Locale};
use super::*;

type Script = Arc<Mutex<Vec<(u16, String)>>>;
type Seen = Arc<Mutex<Vec<(String, String)>>>;

async fn answer(
    State((script, seen)): State<(Script, Seen)>,
    uri: Uri,
    body: String,
) -> (StatusCode, String) {
    seen.lock().unwrap().push((uri.path().to_owned(), body));
    let (status, body) = script.lock().unwrap().remove(0);
    (StatusCode::from_u16(status).unwrap(), body)
}

/// A server that gives these answers one after another.
async fn scripted(answers: Vec<(u16, Value)>) -> (Iyzico, Seen) {
    let answers = answers.into_iter().map(|(status, body)| match body {
        Value::String(text) => (status, text),
        json => (status, json.to_string()),
    });
    let (script, seen) = (Script::new(Mutex::new(answers.collect())), Seen::default());
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(answer).with_state((script, seen.clone()));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    let config = IyzicoConfig {
        base_url,
        api_key: "sandbox-test-key".to_owned(),
        secret_key: "sandbox-test-secret".to_owned(),
        timeout: Duration::from_secs(5),
    };
    (Iyzico::new(config).unwrap(), seen)
}

fn paths(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
}

fn expected() -> Expected {
    Expected {
        payment_id: Uuid::from_u128(1),
        order_id: Uuid::from_u128(2),
        amount: Money::lira(15_000),
        token: "t".to_owned(),
    }
}

fn request() -> CheckoutRequest {
    let address = Address {
        contact_name: "Gülşah Yağcı".to_owned(),
        line: "Üsküdar Cad. No:1".to_owned(),
        city: "İstanbul".to_owned(),
        country: "Türkiye".to_owned(),
        zip: None,
    };
    CheckoutRequest {
        payment_id: Uuid::from_u128(1),
        order_id: Uuid::from_u128(2),
        amount: Money::lira(15_000),
        lines: vec![BasketLine {
            id: "l1".to_owned(),
            name: "Kılıf".to_owned(),
            amount: Money::lira(15_000),
            kind: LineKind::Physical,
            category: "Kılıf".to_owned(),
        }],
        buyer: Buyer {
            id: "c1".to_owned(),
            name: "Çağrı".to_owned(),
            surname: "Işık".to_owned(),
            email: "cagri@example.com".to_owned(),
            identity_number: "11111111111".to_owned(),
            gsm_number: Some(String::new()),
            ip: Ipv4Addr::new(85, 34, 78, 112).into(),
            registration_address: "Göztepe Mah.".to_owned(),
            city: "İstanbul".to_owned(),
            country: "Türkiye".to_owned(),
            zip: None,
        },
        shipping_address: Some(address.clone()),
        billing_address: address,
        callback_url: "https://shop.example/geri?x=1".parse().unwrap(),
        locale: Locale::Tr,
    }
}

fn failure(code: &str) -> (u16, Value) {
    (200, json!({"status": "failure", "errorCode": code, "errorMessage": "…"}))
}

fn hmac_hex(text: &str) -> String {
    use hmac::{Hmac, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"sandbox-test-secret").unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_page_is_opened_for_the_payment_and_its_signature_checked() {
    let id = Uuid::from_u128(1).to_string();
    let mut opened = json!({"status": "success", "conversationId": id, "token": "tok",
        "tokenExpireTime": 900, "paymentPageUrl": "https://pay.example/?token=tok", "signature": "00"});
    let forged = (200, opened.clone());
    opened["signature"] = hmac_hex(&format!("{id}:tok")).into();
    let (iyzico, seen) = scripted(vec![forged, (200, opened)]).await;
    let error = iyzico.open_checkout(&request()).await.unwrap_err();
    assert!(matches!(error, CallError::Misconfigured { .. }), "{error:?}");
    let page = iyzico.open_checkout(&request()).await.unwrap();
    assert_eq!((page.token.as_str(), page.expires_in.as_secs()), ("tok", 900));
    assert_eq!(page.page_url.as_str(), "https://pay.example/?token=tok");
    let sent: Value = serde_json::from_str(&seen.lock().unwrap()[0].1).unwrap();
    assert_eq!(sent["conversationId"], id);
    assert_eq!(sent["basketId"], Uuid::from_u128(2).to_string());
    assert_eq!((&sent["price"], &sent["paidPrice"]), (&json!("150.0"), &json!("150.0")));
    assert_eq!(sent["enabledInstallments"], json!([1]));
    assert_eq!(sent["basketItems"][0]["itemType"], "PHYSICAL");
    assert_eq!(sent["buyer"].get("gsmNumber"), None, "an empty number breaks the signature");
}

#[tokio::test]
async fn a_refused_opening_says_whose_fault_it_is() {
    let (iyzico, _) = scripted(vec![failure("5062"), failure("50000"), failure("10051")]).await;
    let mut errors = Vec::new();
    for _ in 0..3 {
        errors.push(iyzico.open_checkout(&request()).await.unwrap_err());
    }
    assert!(matches!(&errors[0], CallError::Misconfigured { .. }));
    assert!(matches!(&errors[1], CallError::Retry { ambiguous: false, after, .. } if after.as_secs() == 60));
    assert!(matches!(&errors[2], CallError::Rejected { code, .. } if code == "10051"));
}

#[tokio::test]
async fn an_expired_token_is_followed_by_a_question_with_our_own_id() {
    let (iyzico, seen) = scripted(vec![failure("5152"), failure("5087")]).await;
    assert_eq!(iyzico.verify(&expected()).await.unwrap(), Verification::NotStarted);
    assert_eq!(paths(&seen), [RETRIEVE, DETAIL]);
    assert!(seen.lock().unwrap()[1].1.contains("paymentConversationId"));
}

#[tokio::test]
async fn an_unknown_code_is_a_failure_only_when_the_detail_says_so() {
    let failed = json!({"status": "success", "paymentStatus": "FAILURE"});
    let (iyzico, _) = scripted(vec![failure("77777"), (200, failed)]).await;
    let verdict = iyzico.verify(&expected()).await.unwrap();
    assert_eq!(verdict, Verification::Failed { code: "77777".to_owned(), group: FailureGroup::Unknown });

    let (iyzico, _) = scripted(vec![failure("77777"), failure("77777")]).await;
    assert!(matches!(iyzico.verify(&expected()).await, Err(CallError::Retry { ambiguous: false, .. })));
}

#[tokio::test]
async fn a_declined_card_is_a_failure_at_once() {
    let (iyzico, seen) = scripted(vec![failure("10051")]).await;
    let verdict = iyzico.verify(&expected()).await.unwrap();
    assert!(matches!(verdict, Verification::Failed { group: FailureGroup::AnotherCard, .. }));
    assert_eq!(paths(&seen).len(), 1);
}

#[tokio::test]
async fn html_from_a_gateway_is_ambiguous_for_a_cancellation_and_asked_about() {
    let nothing = json!({"status": "success", "payments": [{"paymentId": "9", "cancels": []}]});
    let done = json!({"status": "success", "payments": [{"paymentId": "9",
        "cancels": [{"cancelHostReference": "ref"}]}]});
    let html = json!("<html>bad gateway</html>");
    let (iyzico, seen) =
        scripted(vec![(200, nothing.clone()), (502, html.clone()), (200, nothing.clone()), (200, done)])
            .await;
    let id = Uuid::from_u128(3);
    assert!(iyzico.cancel("9", id).await.unwrap_err().is_ambiguous());
    assert_eq!(paths(&seen), [REPORT, CANCEL, REPORT]);
    assert_eq!(iyzico.cancel("9", id).await.unwrap().reference, "ref");
    assert_eq!(paths(&seen).len(), 4, "a cancellation that the report knows is not repeated");
}

#[tokio::test]
async fn a_cancellation_after_the_day_is_refused_for_good() {
    let nothing = (200, json!({"status": "success", "payments": []}));
    let (iyzico, _) = scripted(vec![nothing.clone(), failure("10223"), nothing]).await;
    let error = iyzico.cancel("9", Uuid::from_u128(3)).await.unwrap_err();
    assert!(matches!(error, CallError::Rejected { code, .. } if code == "10223"));
}

#[tokio::test]
async fn wrong_keys_stop_everything() {
    let (iyzico, _) = scripted(vec![failure("1001"), (200, json!({"status": "success"}))]).await;
    assert!(matches!(iyzico.test().await, Err(CallError::Misconfigured { .. })));
    iyzico.test().await.unwrap();
}
