//! What was accepted is answered: a stop under load resets nobody, a second signal does not wait.

use harness::serve::ServeProcess;
use harness::wire::{Broken, Raw, Wire};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;

const PATHS: [&str; 3] = ["/health", "/api/v1/message-cards", "/api/v1/nowhere"];
const EMAIL: &str = "dur@polikrami.example";
const PASSWORD: &str = "Kapak-2026!";
const UNLIMITED: [(&str, &str); 3] = [
    ("RATE_LIMIT_API_POINTS", "1000000"),
    ("RATE_LIMIT_GLOBAL_POINTS", "1000000"),
    ("MAX_FAILED_LOGIN_ATTEMPTS", "1000"),
];

/// What became of all requests.
#[derive(Debug, Default)]
struct Counts {
    answered: AtomicU64,
    /// On a connection that the server had said it would close, or that it never accepted.
    refused: AtomicU64,
    reset: AtomicU64,
    unanswered: AtomicU64,
}

impl Counts {
    fn count(&self, answer: Result<Raw, Broken>) -> Option<Raw> {
        let counter = match &answer {
            Ok(_) => &self.answered,
            Err(Broken::Refused) => &self.refused,
            Err(Broken::Reset) => &self.reset,
            Err(Broken::Closed | Broken::Cut) => &self.unanswered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        answer.ok()
    }
}

/// Asks until nobody listens any more; with `keep` on one connection for as long as the server allows.
async fn ask(address: SocketAddr, counts: Arc<Counts>, keep: bool) {
    for turn in 0.. {
        let mut wire = match Wire::connect(address).await {
            Ok(wire) => wire,
            Err(broken) => {
                counts.count(Err(broken));
                return;
            }
        };
        loop {
            let answer = counts.count(wire.get(PATHS[turn % PATHS.len()], "").await);
            if !keep || answer.is_none_or(|answer| answer.is_last()) {
                break;
            }
        }
    }
}

/// Logs in, and answers the header that shows it.
async fn logged_in(process: &ServeProcess) -> String {
    let client = app::demo::client().unwrap();
    let post = |path: &str, body: serde_json::Value| {
        client.post(format!("http://{}/api/v1/auth/{path}", process.address)).json(&body).send()
    };
    let person = json!({ "email": EMAIL, "password": PASSWORD, "confirmPassword": PASSWORD,
        "acceptTerms": true, "acceptPrivacy": true });
    assert_eq!(post("register", person).await.unwrap().status(), 201);
    let login = post("login", json!({ "email": EMAIL, "password": PASSWORD })).await.unwrap();
    let login: serde_json::Value = login.json().await.unwrap();
    format!("authorization: Bearer {}\r\n", login["accessToken"].as_str().unwrap())
}

/// A request that takes five seconds, as long as the readers are held: it waits for what no read model shows.
async fn begin_to_wait(process: &ServeProcess, login: &str) -> (Wire, Transaction<'static, Postgres>) {
    let held = process.database.held_readers().await;
    let header = login.trim_end().split_once(": ").unwrap();
    let draft = app::demo::client().unwrap().post(format!("http://{}/api/v1/drafts", process.address));
    let made = draft.header(header.0, header.1).json(&json!({ "method": "ai" })).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let position = made.headers()["x-journal-position"].to_str().unwrap();
    let mut wire = Wire::connect(process.address).await.unwrap();
    let target = format!("/api/v1/orders?min_position={position}");
    wire.send(&format!("GET {target} HTTP/1.1\r\nhost: a\r\n{login}\r\n")).await;
    (wire, held)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_resets_nobody() {
    let mut process = ServeProcess::start(&UNLIMITED).await;
    let login = logged_in(&process).await;
    let counts = Arc::new(Counts::default());
    let mut clients = JoinSet::new();
    for number in 0..64 {
        clients.spawn(ask(process.address, Arc::clone(&counts), number % 2 == 0));
    }
    let mut idle = Wire::connect(process.address).await.unwrap();
    assert!(!idle.get("/health", "").await.unwrap().is_last());
    let answered = || counts.answered.load(Ordering::Relaxed);
    harness::eventually("the load is on", async || (answered() > 1_000).then_some(())).await;
    // Last, since it must still wait when the signal comes.
    let (mut waiting, held) = begin_to_wait(&process, &login).await;
    let before = answered();
    process.terminate();
    clients.join_all().await;
    let waited = waiting.answer().await.unwrap();
    held.rollback().await.unwrap();
    assert_eq!((waited.status, waited.is_last()), (503, true), "{:?}", waited.json());
    assert_eq!(waited.json()["code"], "not_yet_visible");
    assert_eq!(idle.answer().await.err(), Some(Broken::Closed), "an idle connection is closed in peace");
    assert!(process.ended().await.success());
    println!("{counts:?}, of the answers {} after the signal", answered() - before);
    assert_eq!(counts.reset.load(Ordering::Relaxed), 0, "{counts:?}");
    assert_eq!(counts.unanswered.load(Ordering::Relaxed), 0, "{counts:?}");
    assert_eq!(counts.refused.load(Ordering::Relaxed), 64, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let mut process = ServeProcess::start(&UNLIMITED).await;
    let login = logged_in(&process).await;
    let (mut waiting, _held) = begin_to_wait(&process, &login).await;
    process.terminate();
    process.refuses().await;
    process.terminate();
    let exit = process.ended().await;
    assert!(waiting.answer().await.is_err(), "nobody waited for it");
    assert!(!exit.success(), "{exit}");
}

/// Argon2 takes 64 MiB for each password that is looked at, and looks at four of them at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_logins_holds_memory_within_bounds() {
    let process = ServeProcess::start(&UNLIMITED).await;
    logged_in(&process).await;
    let client = app::demo::client().unwrap();
    let login = async |number: usize| {
        let email =
            if number.is_multiple_of(2) { EMAIL.to_owned() } else { format!("{number}@polikrami.example") };
        let body = json!({ "email": email, "password": PASSWORD });
        let login = client.post(format!("http://{}/api/v1/auth/login", process.address)).json(&body);
        login.send().await.map(|answer| answer.status().as_u16())
    };
    let before = process.peak_memory_kib();
    let statuses = futures::future::join_all((0..300).map(login)).await;
    let count =
        |status: u16| statuses.iter().filter(|answer| matches!(answer, Ok(of) if *of == status)).count();
    let (ok, unknown, busy) = (count(200), count(401), count(503));
    let peak = process.peak_memory_kib();
    println!("300 logins: {ok} in, {unknown} refused, {busy} too late; {before} KiB before, peak {peak} KiB");
    assert_eq!(ok + unknown + busy, 300, "{statuses:?}");
    assert!(ok > 0 && unknown > 0);
    let hashing = api::config::HashingSettings::default();
    let bound = u64::from(hashing.memory_kib) * hashing.at_once_max as u64 + before + 64 * 1024;
    assert!(peak < bound, "{peak} KiB, and the bound is {bound} KiB");
}

/// Bodies that are on their way are waited for, but not for ever; and who has sent all is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tells_slow_senders_so_and_answers_the_others() {
    let mut process = ServeProcess::start(&UNLIMITED).await;
    let login = logged_in(&process).await;
    let body = r#"{"method":"ai"}"#;
    let head = "POST /api/v1/drafts HTTP/1.1\r\nhost: a\r\ncontent-type: application/json";
    let head = format!("{head}\r\n{login}content-length: {}\r\n\r\n", body.len());
    let (mut slow, mut late) =
        (Wire::connect(process.address).await.unwrap(), Wire::connect(process.address).await.unwrap());
    for wire in [&mut slow, &mut late] {
        wire.send(&head).await;
        wire.send(&body[..5]).await;
    }
    // Both have been taken up: whoever asks on a connection of its own is answered behind them.
    Wire::connect(process.address).await.unwrap().get("/health", "").await.unwrap();
    process.terminate();
    process.refuses().await;
    late.send(&body[5..]).await;
    let late = late.answer().await.unwrap();
    assert_eq!((late.status, late.is_last()), (201, true));
    let slow = slow.answer().await.unwrap();
    assert_eq!((slow.status, slow.is_last()), (408, true));
    assert_eq!(slow.json()["code"], "request_timeout");
    assert!(process.ended().await.success());
}
