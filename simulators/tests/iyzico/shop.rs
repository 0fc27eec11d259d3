//! A small merchant: signs calls, fills forms, and listens for the callback.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use sha2::Sha256;
use simulators::iyzico::{self, IyzicoOptions, IyzicoSimulator};

pub const API_KEY: &str = "sandbox-shop";
pub const SECRET: &str = "sandbox-secret";
pub const INITIALIZE: &str = "/payment/iyzipos/checkoutform/initialize/auth/ecom";
pub const RETRIEVE: &str = "/payment/iyzipos/checkoutform/auth/ecom/detail";
pub const GOOD_CARD: &str = "5528790000000008";

pub fn client() -> Client {
    // A second installation in one process is refused, and does not matter.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder().no_proxy().build().unwrap()
}

pub async fn iyzico(state_file: Option<std::path::PathBuf>) -> IyzicoSimulator {
    let options = IyzicoOptions {
        bind: "127.0.0.1:0".parse().unwrap(),
        api_key: API_KEY.to_owned(),
        secret_key: SECRET.to_owned(),
        state_file,
    };
    iyzico::start(options).await.unwrap()
}

pub fn hmac(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

pub fn authorization(path: &str, body: &str) -> String {
    let signature = hmac(&format!("r1{path}{body}"));
    let text = format!("apiKey:{API_KEY}&randomKey:r1&signature:{signature}");
    format!("IYZWSv2 {}", STANDARD.encode(text))
}

pub async fn send(base: &str, path: &str, body: &Value) -> reqwest::Result<Response> {
    let body = body.to_string();
    let request = client().post(format!("{base}{path}")).header("content-type", "application/json");
    request.header("authorization", authorization(path, &body)).body(body).send().await
}

pub async fn call(base: &str, path: &str, body: Value) -> Value {
    send(base, path, &body).await.unwrap().json().await.unwrap()
}

pub fn checkout(order: &str, callback: &str) -> Value {
    let address = json!({ "address": "Moda Cad. 1", "contactName": "Ayşe Yılmaz", "city": "İstanbul", "country": "Türkiye" });
    json!({
        "locale": "tr", "conversationId": order, "basketId": order, "paymentGroup": "PRODUCT",
        "price": "150.0", "paidPrice": "150.0", "currency": "TRY", "callbackUrl": callback,
        "enabledInstallments": [1],
        "buyer": {
            "id": "b1", "name": "Ayşe", "surname": "Yılmaz", "identityNumber": "11111111111",
            "email": "ayse@musteri.example", "gsmNumber": "+905350000000", "ip": "85.34.78.112",
            "registrationAddress": "Moda Cad. 1", "city": "İstanbul", "country": "Türkiye",
        },
        "shippingAddress": address, "billingAddress": address,
        "basketItems": [
            { "id": "l1", "price": "100.1", "name": "Kapak <b>", "category1": "Kapak", "itemType": "PHYSICAL" },
            { "id": "l2", "price": "49.90", "name": "Kargo", "category1": "Kargo", "itemType": "VIRTUAL" },
        ],
    })
}

pub async fn open(base: &str, order: &str) -> String {
    let answer = call(base, INITIALIZE, checkout(order, "http://127.0.0.1:9/callback")).await;
    assert_eq!(answer["status"], "success", "{answer}");
    answer["token"].as_str().unwrap().to_owned()
}

pub async fn enter_card(base: &str, token: &str, number: &str) -> String {
    let fields = [
        ("cardHolderName", "Ayşe Yılmaz"),
        ("cardNumber", number),
        ("expireMonth", "12"),
        ("expireYear", "2099"),
        ("cvc", "123"),
    ];
    post_form(&format!("{base}/checkout/{token}"), &fields).await
}

pub async fn enter_sms(base: &str, token: &str, code: &str) -> String {
    post_form(&format!("{base}/checkout/{token}/3ds"), &[("code", code), ("action", "confirm")]).await
}

pub async fn pay(base: &str, token: &str, number: &str) -> String {
    enter_card(base, token, number).await;
    enter_sms(base, token, "123456").await
}

pub async fn post_form(url: &str, fields: &[(&str, &str)]) -> String {
    client().post(url).form(fields).send().await.unwrap().text().await.unwrap()
}

/// What stands in `attribute="…"` behind the first `marker`.
pub fn attribute(page: &str, marker: &str, attribute: &str) -> String {
    let rest = &page[page.find(marker).unwrap_or_else(|| panic!("no {marker} in {page}"))..];
    let start = rest.find(&format!("{attribute}=\"")).unwrap() + attribute.len() + 2;
    rest[start..].split('"').next().unwrap().to_owned()
}
