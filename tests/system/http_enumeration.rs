//! Nobody learns from the time of an answer whether an address has an account.

use super::http_edge::{PASSWORD, request, send};
use super::http_sessions::open;
use futures::StreamExt;
use harness::{TestStack, quick};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Of each kind.
const REQUESTS: u32 = 200;
/// What they may differ by; noise of the machine is in both, since they are sent in pairs.
const DIFFERENCE_MAX: f64 = 0.1;
/// A real difference stays, however often it is looked at.
const TRIES_MAX: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_addresses_take_the_same_time() {
    let stack = TestStack::adjusted(|options| {
        quick(options);
        // As dear as a look at the database is not, as in production.
        options.passwords.memory_kib = 8_192;
    })
    .await;
    futures::stream::iter(0..REQUESTS).for_each_concurrent(8, |n| register(&stack, n)).await;
    let login = |email: &str| {
        let body = json!({ "email": email, "password": "Wrong-2026!" });
        request(&stack, Method::POST, "/api/v1/auth/login").json(&body)
    };
    println!("{}", compare("login", 1, login).await);
    for (what, more) in [
        ("forgot-password", json!({})),
        ("resend-verification", json!({})),
        ("verify-reset-code", json!({ "code": "1234" })),
    ] {
        let ask = |email: &str| open(&stack, &format!("/api/v1/auth/{what}")).json(&with(email, &more));
        println!("{}", compare(what, 4, ask).await);
    }
    stack.end().await;
}

fn with(email: &str, more: &Value) -> Value {
    let mut body = more.clone();
    body["email"] = json!(email);
    body
}

async fn register(stack: &TestStack, n: u32) {
    let body = json!({
        "email": format!("known{n}@example.com"), "password": PASSWORD, "confirmPassword": PASSWORD,
        "acceptTerms": true, "acceptPrivacy": true,
    });
    let made = send(request(stack, Method::POST, "/api/v1/auth/register").json(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
}

/// Measures again while the times seem to differ, and decides on all that was measured.
async fn compare(what: &str, at_once: usize, ask: impl Fn(&str) -> RequestBuilder) -> String {
    let mut pairs = Vec::new();
    for _ in 0..TRIES_MAX {
        pairs.extend(asked(what, at_once, &ask).await);
        let ratio = mean_ratio(&pairs);
        if (ratio - 1.0).abs() <= DIFFERENCE_MAX {
            let count = pairs.len();
            let (known, unknown): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let (known, unknown) = (median(known), median(unknown));
            return format!(
                "{what}: {count} of each, median {known:.4} s known, {unknown:.4} s unknown, mean ratio {ratio:.3}"
            );
        }
    }
    panic!("{what}: the time tells them apart, {:.3}", mean_ratio(&pairs));
}

/// Known by unknown. In a pair the second may have to wait for the first, now the known one, now the other: this mean sees
/// both, where a median would fall between them.
fn mean_ratio(pairs: &[(f64, f64)]) -> f64 {
    let count = f64::from(u32::try_from(pairs.len()).unwrap());
    (pairs.iter().map(|(known, unknown)| (known / unknown).ln()).sum::<f64>() / count).exp()
}

/// Seconds for a known and an unknown address side by side, each asked about once; `at_once` pairs.
async fn asked(what: &str, at_once: usize, ask: &impl Fn(&str) -> RequestBuilder) -> Vec<(f64, f64)> {
    let pairs = futures::stream::iter(0..REQUESTS).map(|n| {
        let (known, unknown) = (ask(&format!("known{n}@example.com")), ask(&format!("other{n}@example.com")));
        async move {
            // Whoever is first in a pair must not be so always.
            if n % 2 == 0 {
                tokio::join!(timed(known), timed(unknown))
            } else {
                let (unknown, known) = tokio::join!(timed(unknown), timed(known));
                (known, unknown)
            }
        }
    });
    let pairs: Vec<_> = pairs.buffered(at_once).collect().await;
    let seconds = pairs.into_iter().map(|((known, told), (unknown, told_unknown))| {
        assert_eq!(told, told_unknown, "{what} answers differently");
        (known.as_secs_f64(), unknown.as_secs_f64())
    });
    seconds.collect()
}

/// Time, and what was answered.
async fn timed(request: RequestBuilder) -> (Duration, (u16, String)) {
    let begun = Instant::now();
    let answer = send(request).await;
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (begun.elapsed(), (answer.status, code))
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
