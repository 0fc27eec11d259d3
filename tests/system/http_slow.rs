//! Clients that dribble their requests are cut off, and hold up nobody else.

use super::http_edge::token_of;
use super::status::{metrics, value};
use app::config::value::Whole;
use app::wiring::Options;
use harness::wire::{Broken, Raw, Wire};
use harness::{TestStack, eventually, quick};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const SLOW: usize = 2_000;
/// Nine of ten of them: on a slow machine the first are told before the last have come.
const CROWD: f64 = 1_800.0;
/// Between two bytes of a slow client.
const DRIBBLE: Duration = Duration::from_millis(500);
/// Requests of the fast client, each on a connection of its own.
const FAST: usize = 300;

fn address(stack: &TestStack) -> SocketAddr {
    stack.endpoints.api.strip_prefix("http://").unwrap().parse().unwrap()
}

/// Sends the beginning of a request, then a byte from time to time until it is answered or cut.
async fn dribble(address: SocketAddr, begin: String) -> Result<Raw, Broken> {
    let mut wire = Wire::connect(address).await?;
    wire.send(&begin).await;
    let mut pace = tokio::time::interval(DRIBBLE);
    loop {
        tokio::select! {
            answer = wire.answer() => return answer,
            _ = pace.tick() => {}
        }
        wire.send("x").await;
    }
}

fn slow_head() -> String {
    "GET /health HTTP/1.1\r\nhost: a\r\nx-slow: ".to_owned()
}

fn slow_body() -> String {
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json";
    format!("{head}\r\ncontent-length: 60000\r\n\r\n")
}

/// How long the fast client waited, in the order of the times.
async fn fast(address: SocketAddr) -> Vec<Duration> {
    let mut times = Vec::with_capacity(FAST);
    for _ in 0..FAST {
        let begun = Instant::now();
        let answer = Wire::connect(address).await.unwrap().get("/api/v1/message-cards", "").await;
        assert_eq!(answer.map(|answer| answer.status), Ok(200));
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times
}

async fn counted(stack: &TestStack, series: &str) -> f64 {
    value(&metrics(stack).await, series).unwrap()
}

fn p99(times: &[Duration]) -> Duration {
    times[times.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_slow_clients_hold_up_nobody() {
    let stack = TestStack::start().await;
    let address = address(&stack);
    fast(address).await;
    let alone = fast(address).await;
    let mut slow = JoinSet::new();
    for number in 0..SLOW {
        slow.spawn(dribble(address, if number % 2 == 0 { slow_head() } else { slow_body() }));
    }
    // The rush at the door is another matter.
    eventually("the slow clients are in", async || {
        (counted(&stack, "polikrami_http_connections").await >= CROWD).then_some(())
    })
    .await;
    let crowded = fast(address).await;
    let beside = counted(&stack, "polikrami_http_connections").await;
    let (alone, crowded) = (p99(&alone), p99(&crowded));
    let ratio = crowded.as_secs_f64() / alone.as_secs_f64();
    println!(
        "p99 alone {alone:?}, beside {SLOW} slow clients ({beside} at the end) {crowded:?}: {ratio:.1} times"
    );
    // Held up by them, it would wait as long as they may: ten seconds.
    assert!(crowded < Duration::from_secs(5), "{crowded:?}");
    let answers = slow.join_all().await;
    let told = answers.iter().filter(|answer| answer.is_ok()).count();
    let broken = |of: Broken| answers.iter().filter(|answer| answer.as_ref().err() == Some(&of)).count();
    println!("{told} of {SLOW} slow clients were told 408, {} were reset", broken(Broken::Reset));
    assert_eq!(told, SLOW, "{} closed, {} cut", broken(Broken::Closed), broken(Broken::Cut));
    for answer in answers.into_iter().flatten() {
        assert_eq!((answer.status, answer.is_last()), (408, true));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["code"], "request_timeout");
    }
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_slow_clients_than_places_take_turns_among_themselves() {
    let few = |options: &mut Options| {
        quick(options);
        options.settings.server.connections_max = Whole(32);
    };
    let stack = TestStack::adjusted(few).await;
    let address = address(&stack);
    let mut slow = JoinSet::new();
    for _ in 0..200 {
        slow.spawn(dribble(address, slow_head()));
    }
    let times = fast(address).await;
    println!("with 32 places and 200 slow clients: p99 {:?}", p99(&times));
    let displaced = counted(&stack, "polikrami_http_connections_displaced_total").await;
    assert!(displaced > 0.0, "an operator sees that there are too few places");
    slow.shutdown().await;
    stack.end().await;
}

/// Sends a wish for a draft in so many parts, one each half second; answers the status.
async fn in_parts(address: SocketAddr, token: &str, part: usize, parts: usize) -> u16 {
    let (begin, end) = (r#"{"method":""#, r#""}"#);
    let length = begin.len() + end.len() + part * parts;
    let head = "POST /api/v1/drafts HTTP/1.1\r\nhost: a\r\ncontent-type: application/json";
    let mut wire = Wire::connect(address).await.unwrap();
    wire.send(&format!("{head}\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{begin}"))
        .await;
    let mut pace = tokio::time::interval(DRIBBLE);
    for _ in 0..parts {
        tokio::select! {
            answer = wire.answer() => return answer.unwrap().status,
            _ = pace.tick() => {}
        }
        wire.send(&"x".repeat(part)).await;
    }
    wire.send(end).await;
    wire.answer().await.unwrap().status
}

/// Sends most of a large body at once, which would allow a minute, and then nothing.
async fn then_silent(address: SocketAddr, token: &str) -> u16 {
    let head = "POST /api/v1/drafts HTTP/1.1\r\nhost: a\r\ncontent-type: application/json";
    let mut wire = Wire::connect(address).await.unwrap();
    wire.send(&format!("{head}\r\nauthorization: Bearer {token}\r\ncontent-length: 2000000\r\n\r\n")).await;
    wire.send(&"x".repeat(1_900_000)).await;
    let answer = tokio::time::timeout(Duration::from_secs(20), wire.answer()).await;
    answer.unwrap().unwrap().status
}

/// 48 KiB a second are a slow line, 8 KiB are none, and a fast beginning buys no long silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_over_a_slow_line_is_waited_for() {
    let stack = TestStack::start().await;
    let address = address(&stack);
    let token = token_of(&stack, &stack.customer().await).await;
    let (line, drops, silence) = tokio::join!(
        in_parts(address, &token, 24 * 1024, 25),
        in_parts(address, &token, 4 * 1024, 125),
        then_silent(address, &token),
    );
    assert_eq!((line, drops, silence), (400, 408, 408));
    stack.end().await;
}
