//! The payment provider, walked through as a merchant and its buyer do.

use crate::shop::{
    GOOD_CARD, INITIALIZE, RETRIEVE, attribute, call, checkout, client, enter_card, enter_sms, hmac, iyzico,
    open, pay, post_form,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

async fn one_request(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let length = text
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .map(|rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
        let body = text.split("\r\n\r\n").nth(1).map(str::len);
        if read == 0 || (body.is_some() && body >= length) {
            break;
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
    text
}

async fn retrieve(base: &str, token: &str, order: &str) -> Value {
    call(base, RETRIEVE, json!({ "locale": "tr", "conversationId": order, "token": token })).await
}

#[tokio::test]
async fn a_buyer_pays_and_the_merchant_cancels() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let merchant = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http://{}/odeme?o=1", merchant.local_addr().unwrap());

    let opened = call(&base, INITIALIZE, checkout("ord-1", &callback)).await;
    let token = opened["token"].as_str().unwrap().to_owned();
    assert_eq!(opened["tokenExpireTime"], 1800);
    assert_eq!(opened["signature"], hmac(&format!("ord-1:{token}")));
    assert_eq!(retrieve(&base, &token, "ord-1").await["paymentStatus"], "INIT_THREEDS");

    let page_url = opened["paymentPageUrl"].as_str().unwrap();
    let page = client().get(page_url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Kapak &lt;b&gt;") && page.contains("150,00 TL"));
    assert_eq!(attribute(&page, "payment-form", "action"), format!("/checkout/{token}"));
    let bank = enter_card(&base, &token, "5528 7900 0000 0008").await;
    assert_eq!(attribute(&bank, "threeds-form", "action"), format!("/checkout/{token}/3ds"));
    assert_eq!(retrieve(&base, &token, "ord-1").await["paymentStatus"], "INIT_THREEDS");
    let returning = enter_sms(&base, &token, "123456").await;

    let action = attribute(&returning, "callback-form", "action");
    assert_eq!(
        (action.as_str(), attribute(&returning, "callback-form", "value")),
        (callback.as_str(), token.clone())
    );
    let fields = [("token", token.as_str())];
    let (request, _) = tokio::join!(one_request(&merchant), post_form(&action, &fields));
    assert!(request.starts_with("POST /odeme?o=1 ") && request.ends_with(&format!("token={token}")));

    let paid = retrieve(&base, &token, "ord-1").await;
    let id = paid["paymentId"].as_str().unwrap().to_owned();
    assert_eq!((&paid["paymentStatus"], &paid["fraudStatus"]), (&json!("SUCCESS"), &json!(1)));
    assert_eq!((&paid["price"], &paid["paidPrice"]), (&json!(150.0), &json!(150.0)));
    assert_eq!((&paid["binNumber"], &paid["lastFourDigits"]), (&json!("55287900"), &json!("0008")));
    assert_eq!(paid["itemTransactions"][1]["paidPrice"], 49.9);
    assert_eq!(paid["signature"], hmac(&format!("SUCCESS:{id}:TRY:ord-1:ord-1:150:150:{token}")));

    let cancelled = call(&base, "/payment/cancel", json!({ "paymentId": id })).await;
    assert_eq!((&cancelled["status"], &cancelled["price"]), (&json!("success"), &json!(150.0)));
    assert_eq!(cancelled["signature"], Value::Null);
    assert_eq!(call(&base, "/payment/cancel", json!({ "paymentId": id })).await["status"], "failure");
    assert_eq!(provider.ledger().charges("ord-1"), 1);
}

#[tokio::test]
async fn forms_sent_twice_at_once_charge_once() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let token = open(&base, "ord-2").await;
    tokio::join!(enter_card(&base, &token, GOOD_CARD), enter_card(&base, &token, GOOD_CARD));
    let (first, second) =
        tokio::join!(enter_sms(&base, &token, "123456"), enter_sms(&base, &token, "123456"));
    assert!(first.contains("callback-form") && second.contains("callback-form"));
    assert!(pay(&base, &token, GOOD_CARD).await.contains("callback-form"));
    assert_eq!(provider.ledger().charges("ord-2"), 1);
}

#[tokio::test]
async fn declined_cards_fail_with_their_published_code() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    for (card, code, md_status) in [
        ("4111111111111129", "10051", json!(1)),
        ("4141111111111115", "10210", json!(4)),
        ("4131111111111117", "10210", json!(0)),
    ] {
        let token = open(&base, card).await;
        assert!(pay(&base, &token, card).await.contains("data-status=\"FAILURE\""));
        let answer = retrieve(&base, &token, card).await;
        assert_eq!((&answer["status"], &answer["paymentStatus"]), (&json!("success"), &json!("FAILURE")));
        assert_eq!((&answer["errorCode"], &answer["mdStatus"]), (&json!(code), &md_status));
        assert_eq!(provider.ledger().charges(card), 0);
    }
    let token = open(&base, "typo").await;
    assert!(enter_card(&base, &token, "5528790000000009").await.contains("data-code=\"12\""));
    assert!(enter_card(&base, &token, GOOD_CARD).await.contains("threeds-form"));
    for _ in 0..2 {
        assert!(enter_sms(&base, &token, "000000").await.contains("threeds-form"));
    }
    assert!(enter_sms(&base, &token, "000000").await.contains("callback-form"));
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_envelope() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let code = async |change: fn(&mut Value)| {
        let mut body = checkout("ord-3", "https://magaza.example/cb");
        change(&mut body);
        call(&base, INITIALIZE, body).await["errorCode"].clone()
    };
    assert_eq!(code(|_| ()).await, Value::Null);
    assert_eq!(code(|body| body["price"] = json!("150.1")).await, "5062");
    assert_eq!(code(|body| body["price"] = json!("150")).await, "5001");
    assert_eq!(code(|body| body["price"] = json!(150.0)).await, "5001");
    assert_eq!(code(|body| body["paidPrice"] = json!("150.001")).await, "1000");
    assert_eq!(code(|body| body["buyer"]["gsmNumber"] = json!("")).await, "1000");
    assert_eq!(code(|body| body["buyer"]["email"] = json!("x")).await, "5");
    assert_eq!(code(|body| body["buyer"]["city"] = Value::Null).await, "24");
    assert_eq!(code(|body| body["callbackUrl"] = json!("http://magaza.example/cb")).await, "23");
    assert_eq!(code(|body| body["currency"] = json!("TL")).await, "5005");

    let unsigned = client().post(format!("{base}{INITIALIZE}")).body("{}").send().await.unwrap();
    assert_eq!(unsigned.status(), 200);
    assert_eq!(unsigned.json::<Value>().await.unwrap()["errorCode"], "1000");
}

#[tokio::test]
async fn refunds_end_at_what_was_paid_and_the_report_shows_them() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let token = open(&base, "ord-4").await;
    pay(&base, &token, GOOD_CARD).await;
    let line = retrieve(&base, &token, "ord-4").await["itemTransactions"][0]["paymentTransactionId"].clone();
    let refund = async |price: &str| {
        let body =
            json!({ "conversationId": "r", "paymentTransactionId": line, "price": price, "currency": "TRY" });
        call(&base, "/payment/refund", body).await
    };
    let first = refund("60.1").await;
    let id = first["paymentId"].as_str().unwrap();
    assert_eq!(first["signature"], hmac(&format!("{id}:60.1:TRY:r")));
    assert_eq!(refund("40.01").await["errorCode"], "10232");
    assert_eq!(refund("40.0").await["status"], "success");

    let path = "/v2/reporting/payment/details";
    let url = format!("{base}{path}?paymentConversationId=ord-4");
    let header = crate::shop::authorization(path, "");
    let report: Value =
        client().get(url).header("authorization", header).send().await.unwrap().json().await.unwrap();
    let payment = &report["payments"][0];
    assert_eq!(
        (&payment["paymentStatus"], &payment["paymentRefundStatus"]),
        (&json!(1), &json!("PARTIALLY_REFUNDED"))
    );
    assert_eq!(payment["itemTransactions"][0]["refunds"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_expired_page_takes_no_money() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let token = open(&base, "ord-5").await;
    let patch = json!({ "token": token, "expire": true });
    client().post(format!("{base}/_control/checkout")).json(&patch).send().await.unwrap();
    assert!(pay(&base, &token, GOOD_CARD).await.contains("süresi doldu"));
    assert_eq!(retrieve(&base, &token, "ord-5").await["errorCode"], "5087");
    assert_eq!(provider.ledger().charges("ord-5"), 0);
}

#[tokio::test]
async fn a_payment_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("iyzico.jsonl");
    let provider = iyzico(Some(file.clone())).await;
    let token = open(&provider.base_url(), "ord-6").await;
    pay(&provider.base_url(), &token, GOOD_CARD).await;
    drop(provider);

    let provider = iyzico(Some(file)).await;
    let body = json!({ "conversationId": "q", "paymentConversationId": "ord-6" });
    let detail = call(&provider.base_url(), "/payment/detail", body).await;
    assert_eq!((&detail["paymentStatus"], &detail["conversationId"]), (&json!("SUCCESS"), &json!("q")));
    provider.stop().await;
}

#[tokio::test]
async fn a_webhook_is_signed_and_repeated_until_it_is_taken() {
    let provider = iyzico(None).await;
    let base = provider.base_url();
    let merchant = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings =
        json!({ "url": format!("http://{}/haber", merchant.local_addr().unwrap()), "pause_ms": 20 });
    client().put(format!("{base}/_control/webhook")).json(&settings).send().await.unwrap();
    let token = open(&base, "ord-7").await;
    pay(&base, &token, GOOD_CARD).await;
    drop(merchant.accept().await.unwrap());
    let request = one_request(&merchant).await;
    let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let id = body["iyziPaymentId"].to_string();
    let signature = hmac(&format!("{}CHECKOUT_FORM_AUTH{id}{token}ord-7SUCCESS", crate::shop::SECRET));
    assert!(request.contains(&format!("X-IYZ-SIGNATURE-V3: {signature}\r\n")));
}
