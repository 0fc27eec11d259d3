//! The picture provider, called as the shop calls it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::Form;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use simulators::stability::{self, Fault, StabilityOptions, StabilitySimulator};

const KEY: &str = "sk-test";

async fn provider(state_file: Option<std::path::PathBuf>) -> StabilitySimulator {
    let bind = "127.0.0.1:0".parse().unwrap();
    let options = StabilityOptions { bind, api_key: KEY.to_owned(), credits: 100.0, state_file };
    stability::start(options).await.unwrap()
}

fn client() -> Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder().no_proxy().build().unwrap()
}

fn form(prompt: &str, seed: u32) -> Form {
    Form::new()
        .text("prompt", prompt.to_owned())
        .text("seed", seed.to_string())
        .text("aspect_ratio", "2:3")
        .text("output_format", "jpeg")
}

fn generate(provider: &StabilitySimulator, accept: &str) -> RequestBuilder {
    let url = format!("{}/v2beta/stable-image/generate/core", provider.base_url());
    client().post(url).bearer_auth(KEY).header("accept", accept).header("stability-client-user-id", "job-1")
}

async fn status(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn a_picture_is_decodable_described_and_charged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stability.jsonl");
    let simulator = provider(Some(file.clone())).await;
    let response = generate(&simulator, "image/*").multipart(form("a lighthouse", 7)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    assert_eq!(
        (&headers["content-type"], &headers["seed"]),
        (&"image/jpeg".parse().unwrap(), &"7".parse().unwrap())
    );
    assert_eq!(headers["finish-reason"], "SUCCESS");
    let bytes = response.bytes().await.unwrap();
    let picture = image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg).unwrap();
    assert_eq!((picture.width(), picture.height()), (1024, 1536));

    let ledger = simulator.ledger();
    assert_eq!(ledger.charges[0].request_id, headers["x-request-id"].to_str().unwrap());
    assert_eq!(
        (ledger.charges_by_user["job-1"], ledger.charges_by_picture[&ledger.charges[0].picture()]),
        (1, 1)
    );
    simulator.stop().await;

    let simulator = provider(Some(file)).await;
    let balance = client().get(format!("{}/v1/user/balance", simulator.base_url())).bearer_auth(KEY);
    assert_eq!(status(balance).await, (StatusCode::OK, json!({ "credits": 97.0 })));
    let response =
        generate(&simulator, "application/json").multipart(form("a lighthouse", 7)).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json; type=image/jpeg");
    let body: Value = response.json().await.unwrap();
    assert_eq!(STANDARD.decode(body["image"].as_str().unwrap()).unwrap(), bytes);
    assert_eq!((&body["finish_reason"], &body["seed"]), (&json!("SUCCESS"), &json!(7)));
}

#[tokio::test]
async fn refusals_have_their_status_and_cost_nothing() {
    let simulator = provider(None).await;
    let good = |prompt: &str| generate(&simulator, "image/*").multipart(form(prompt, 1));
    let url = format!("{}/v2beta/stable-image/generate/core", simulator.base_url());
    let (code, body) = status(client().post(&url).bearer_auth("x").multipart(form("a", 1))).await;
    assert_eq!((code.as_u16(), &body["name"]), (401, &json!("unauthorized")));
    assert!(body["id"].is_string() && body["errors"][0].is_string());
    assert_eq!(status(generate(&simulator, "image/png").multipart(form("a", 1))).await.0, 400);
    assert_eq!(status(generate(&simulator, "image/*").form(&[("prompt", "a")])).await.0, 400);
    assert_eq!(status(good("")).await.0, 400);
    assert_eq!(status(good("[xx] deniz")).await.0, 422);
    assert_eq!(status(good("nsfw")).await.0, 403);
    assert_eq!(status(good("[flagged-noid]")).await.1["id"], Value::Null);
    let big = form("a", 1).text("dummy", "x".repeat(11 * 1024 * 1024));
    // The answer may come before the body is through; then the client sees only the broken pipe.
    if let Ok(response) = generate(&simulator, "image/*").multipart(big).send().await {
        assert_eq!(response.status(), 413);
    }
    let credits = client().post(format!("{}/_control/credits", simulator.base_url()));
    credits.json(&json!({ "credits": 2.5 })).send().await.unwrap();
    assert_eq!(status(good("a")).await.0, 402);
    assert!(simulator.ledger().charges.is_empty());
}

#[tokio::test]
async fn each_fault_fires_once_and_charges_as_it_says() {
    let simulator = provider(None).await;
    for (fault, charged) in [
        ("timeout_before:5", 0),
        ("timeout_after:5", 1),
        ("cut_headers", 1),
        ("cut_body", 1),
        ("truncated_picture", 1),
        ("http_502_html", 0),
        ("http_502_after", 1),
        ("slow_drip", 1),
        ("slow:5", 1),
        ("error_500", 0),
        ("wrong_content_type", 1),
        ("content_filtered", 0),
        ("rate_limited", 0),
    ] {
        let before = simulator.ledger().charges.len();
        let order = client().post(format!("{}/_control/faults", simulator.base_url()));
        let order = order.json(&json!({ "fault": fault })).send().await.unwrap();
        assert_eq!(order.status(), 201, "{fault}");
        let answer = generate(&simulator, "image/*").multipart(form("hills", 3)).send().await;
        check(fault, answer).await;
        assert_eq!(simulator.ledger().charges.len() - before, charged, "{fault}");
    }
    let report = simulator.faults().report();
    assert_eq!((report.fired.len(), report.queued.len()), (13, 0));
    assert_eq!(report.fired[3].fault, Fault::CutBody);
}

async fn check(fault: &str, answer: reqwest::Result<reqwest::Response>) {
    let Ok(answer) = answer else {
        assert!(fault.starts_with("timeout"), "{fault}");
        return;
    };
    let (code, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await;
    match fault {
        "cut_headers" | "cut_body" => assert!(code == 200 && body.is_err(), "{fault}"),
        // A lenient JPEG decoder paints the missing half grey, so look for the end marker.
        "truncated_picture" => assert!(!body.unwrap().ends_with(&[0xff, 0xd9])),
        "http_502_html" | "http_502_after" => assert!(code == 502 && body.unwrap().starts_with(b"<html>")),
        "error_500" => assert_eq!(code, 500),
        "rate_limited" => assert_eq!(code, 429),
        "wrong_content_type" => assert_eq!(headers["content-type"], "text/html; charset=utf-8"),
        "content_filtered" => assert!(code == 200 && headers["finish-reason"] == "CONTENT_FILTERED"),
        _ => assert!(image::load_from_memory(&body.unwrap()).is_ok(), "{fault}"),
    }
}
