//! The published vectors, each in both directions.

use serde_json::{Map, Value};

use super::{Stranger, check_request, of_answer, of_webhook, signed_form};

fn vectors(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../tests/iyzico-vectors.json")).unwrap();
    all[section]["vectors"].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_default()
}

fn fields(vector: &Value) -> Vec<&str> {
    vector["fields"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect()
}

#[test]
fn every_authorization_vector_is_let_in_and_none_with_another_body() {
    for vector in vectors("authorization_iyzwsv2") {
        let check = |body: &str, key: &str, secret: &str| {
            let header = Some(text(&vector, "authorization"));
            check_request(header, text(&vector, "uri_signed"), body.as_bytes(), key, secret)
        };
        let (key, secret) = (text(&vector, "api_key"), text(&vector, "secret_key"));
        let body = text(&vector, "body_text");
        assert_eq!(check(body, key, secret), Ok(()), "{}", vector["name"]);
        assert_eq!(check(&format!("{body} "), key, secret), Err(Stranger::Signature));
        assert_eq!(check(body, key, "other"), Err(Stranger::Signature));
        assert_eq!(check(body, "other", secret), Err(Stranger::Key));
    }
}

#[test]
fn a_request_without_credentials_is_refused() {
    for header in [None, Some("Bearer x"), Some("IYZWSv2 %%%"), Some("IYZWSv2 YQ==")] {
        assert_eq!(check_request(header, "/payment/test", b"", "k", "s"), Err(Stranger::Signature));
    }
}

#[test]
fn every_answer_vector_is_signed_alike() {
    for vector in vectors("response_signature") {
        let answer: Map<String, Value> = serde_json::from_str(text(&vector, "response_text")).unwrap();
        let signature = of_answer(text(&vector, "secret_key"), &answer, &fields(&vector));
        assert_eq!(signature, text(&vector, "signature"), "{}", vector["kind"]);
    }
}

#[test]
fn amounts_are_signed_without_trailing_zeros() {
    for vector in vectors("price_signature_format") {
        let number: Value = serde_json::from_str(text(&vector, "json_number_text")).unwrap();
        assert_eq!(signed_form(Some(&number)), text(&vector, "signed_as"));
    }
}

#[test]
fn every_webhook_vector_of_the_hosted_page_is_signed_alike() {
    let hosted = vectors("webhook_signature_v3").into_iter().filter(|vector| vector["kind"] == "hpp");
    for vector in hosted {
        let body: Value = serde_json::from_str(text(&vector, "body_text")).unwrap();
        let signature = of_webhook(
            text(&vector, "secret_key"),
            text(&body, "iyziEventType"),
            &body["iyziPaymentId"].to_string(),
            text(&body, "token"),
            text(&body, "paymentConversationId"),
            text(&body, "status"),
        );
        assert_eq!(signature, text(&vector, "header_value"), "{}", vector["name"]);
    }
}
