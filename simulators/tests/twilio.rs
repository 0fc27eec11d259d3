//! The provider of text messages, called as the shop calls it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use reqwest::{Client, StatusCode};
use serde_json::Value;
use simulators::twilio::{self, Call, Fault, TwilioOptions, TwilioSimulator};

const SID: &str = "AC00000000000000000000000000000000";
const TOKEN: &str = "token";
const FROM: &str = "+15005550006";
const TO: &str = "+905321234567";

async fn provider(state_file: Option<std::path::PathBuf>) -> TwilioSimulator {
    twilio::start(TwilioOptions {
        bind: "127.0.0.1:0".parse().unwrap(),
        account_sid: SID.into(),
        auth_token: TOKEN.into(),
        from: FROM.into(),
        state_file,
    })
    .await
    .unwrap()
}

fn client() -> Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder().no_proxy().build().unwrap()
}

async fn send(
    provider: &TwilioSimulator,
    token: &str,
    form: [(&str, &str); 3],
) -> reqwest::Result<(StatusCode, Value)> {
    let url = format!("{}/2010-04-01/Accounts/{SID}/Messages.json", provider.base_url());
    let response = client().post(url).basic_auth(SID, Some(token)).form(&form).send().await?;
    Ok((response.status(), response.json().await.unwrap_or_default()))
}

fn to(number: &str) -> [(&str, &str); 3] {
    [("To", number), ("From", FROM), ("Body", "kod: 1234 ğ")]
}

#[tokio::test]
async fn a_message_is_described_kept_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("twilio.jsonl");
    let simulator = provider(Some(file.clone())).await;
    let (status, message) = send(&simulator, TOKEN, to(TO)).await.unwrap();
    assert_eq!((status, &message["status"]), (StatusCode::CREATED, &"queued".into()), "{message}");
    assert_eq!((&message["to"], &message["num_segments"]), (&TO.into(), &"1".into()));
    let page = client().get(simulator.base_url()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("kod: 1234") && page.contains(TO), "{page}");
    let found = async |to: &str| -> Vec<Value> {
        let url = format!("{}/api/messages", simulator.base_url());
        client().get(url).query(&[("to", to)]).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(found(TO).await[0]["sid"], message["sid"]);
    assert_eq!(found("+905330000000").await, Vec::<Value>::new());
    simulator.stop().await;
    assert_eq!(provider(Some(file)).await.ledger().messages.len(), 1);
}

#[tokio::test]
async fn refusals_have_the_providers_codes_and_send_nothing() {
    let simulator = provider(None).await;
    let (status, body) = send(&simulator, "wrong", to(TO)).await.unwrap();
    assert_eq!((status.as_u16(), &body["code"], &body["status"]), (401, &20003.into(), &401.into()));
    for (form, code) in [
        (to(""), 21604),
        (to("0532"), 21211),
        (to("+15005550001"), 21211),
        (to("+15005550009"), 21614),
        ([("To", TO), ("From", "+15005550007"), ("Body", "x")], 21606),
        ([("To", TO), ("From", FROM), ("Body", "")], 21602),
    ] {
        let (status, body) = send(&simulator, TOKEN, form).await.unwrap();
        assert_eq!((status.as_u16(), &body["code"]), (400, &code.into()), "{form:?}");
    }
    assert!(simulator.ledger().messages.is_empty());
}

#[tokio::test]
async fn faults_hit_before_or_after_the_message_is_sent() {
    let simulator = provider(None).await;
    for (fault, status, sent) in [
        (Fault::RateLimited, 429, 0),
        (Fault::Error500, 500, 0),
        (Fault::Http502Html, 502, 0),
        (Fault::Http502After, 502, 1),
    ] {
        let before = simulator.ledger().messages.len();
        simulator.faults().once(Call::Message, fault);
        assert_eq!(send(&simulator, TOKEN, to(TO)).await.unwrap().0.as_u16(), status, "{fault:?}");
        assert_eq!(simulator.ledger().messages.len() - before, sent, "{fault:?}");
    }
    let before = simulator.ledger().messages.len();
    simulator.faults().order(twilio_fault("timeout_after:10"));
    assert!(send(&simulator, TOKEN, to(TO)).await.is_err(), "it answered");
    assert_eq!(simulator.ledger().messages.len() - before, 1);
}

fn twilio_fault(name: &str) -> simulators::faults::Planned<Fault> {
    serde_json::from_value(serde_json::json!({ "call": "message", "fault": name })).unwrap()
}
