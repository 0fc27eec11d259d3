//! Phone numbers: proven by the code that was sent to them, and by nothing else.

use super::http_edge::{Answer, get, post, request, send, token, token_of};
use app::config::SmsProvider;
use domain::account::Verification;
use domain::{AccountCommand, AccountId, Command};
use harness::door::context;
use harness::{Fault, TestStack, assert_sound, each_call_failing_once, eventually, quick};
use journal::tables::phone_codes;
use journal::tables::security_events::Source;
use journal::{Clock, Rider};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

const ME: &str = "/api/v1/users/me";
pub const NUMBER: &str = "+905321234567";

pub async fn ask(stack: &TestStack, token: &str, phone: &str) -> Answer {
    post(stack, token, "/api/v1/users/phone/send-code", &json!({ "phone": phone })).await
}

#[track_caller]
pub fn is_done(answer: &Answer) {
    assert_eq!((answer.status, answer.json()), (200, json!({ "success": true })), "{}", answer.text());
}

pub async fn verify(stack: &TestStack, token: &str, phone: &str, code: &str) -> Answer {
    post(stack, token, "/api/v1/users/phone/verify", &json!({ "phone": phone, "code": code })).await
}

/// The texts of the messages to a number, oldest first.
async fn texts(stack: &TestStack, number: &str) -> Vec<String> {
    let messages = stack.client.get(format!("{}/api/messages", stack.endpoints.twilio));
    let messages: Value = messages.query(&[("to", number)]).send().await.unwrap().json().await.unwrap();
    messages.as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap().to_owned()).collect()
}

/// The code of the so manieth message to a number.
async fn code(stack: &TestStack, number: &str, nth: usize) -> String {
    let text = eventually("the message", async || texts(stack, number).await.into_iter().nth(nth - 1)).await;
    let code = text.strip_prefix("Polikrami doğrulama kodu: ").and_then(|rest| rest.split_once(". "));
    code.unwrap_or_else(|| panic!("no code: {text}")).0.to_owned()
}

/// Has a code sent, and answers it.
pub async fn sent(stack: &TestStack, token: &str, number: &str) -> String {
    let before = texts(stack, number).await.len();
    is_done(&ask(stack, token, number).await);
    code(stack, number, before + 1).await
}

pub fn wrong(code: &str) -> &'static str {
    if code == "1234" { "4321" } else { "1234" }
}

/// The number, and whether it is proven.
async fn phone(stack: &TestStack, token: &str) -> (Value, bool) {
    let profile = get(stack, token, ME).await.json()["data"]["profile"].clone();
    (profile["phone"].clone(), profile["phoneVerifiedAt"].is_string())
}

async fn customer(stack: &TestStack) -> String {
    token_of(stack, &stack.customer().await).await
}

async fn account(stack: &TestStack, token: &str) -> AccountId {
    let id = get(stack, token, ME).await.json()["data"]["id"].as_str().unwrap().parse();
    AccountId(id.unwrap())
}

/// A stack whose time stands still, and an account that can log in again when its token has run out.
pub async fn at_nine() -> (TestStack, Clock) {
    let clock = Clock::manual(datetime!(2026-11-24 09:00 UTC));
    let stack = TestStack::at(&clock).await;
    (stack, clock)
}

pub async fn demo_customer(stack: &TestStack) -> String {
    let login = stack.endpoints.logins.customer.clone();
    token(stack, &login.email, &login.password).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_proven_by_the_code_that_was_sent_to_it() {
    let stack = TestStack::start().await;
    let mine = customer(&stack).await;
    wrong_bodies_are_named(&stack, &mine).await;
    let asked = ask(&stack, &mine, "0532 123 45 67").await;
    is_done(&asked);
    assert!(asked.header("x-journal-position").parse::<i64>().unwrap() > 0);
    let first = code(&stack, NUMBER, 1).await;
    assert!(texts(&stack, NUMBER).await[0].ends_with(" dakika geçerlidir."));
    verify(&stack, &mine, NUMBER, wrong(&first)).await.is_problem(400, "phone_code_invalid");
    verify(&stack, &mine, "0533 123 45 67", &first).await.is_problem(400, "phone_code_invalid");
    assert_eq!(phone(&stack, &mine).await, (Value::Null, false));
    // Another spelling is the same number, and the code of somebody else is none.
    let stranger = customer(&stack).await;
    verify(&stack, &stranger, NUMBER, &first).await.is_problem(400, "phone_code_invalid");
    is_done(&verify(&stack, &mine, "+90 (532) 123-45-67", &first).await);
    assert_eq!(phone(&stack, &mine).await, (json!(NUMBER), true));
    is_done(&verify(&stack, &mine, "05321234567", &first).await);
    another_number_in_the_profile_is_not_proven(&stack, &mine, &first).await;
    an_auditor_sees_it(&stack, account(&stack, &mine).await).await;
    no_event_names_the_number(&stack).await;
    let firebase = json!({ "idToken": "x".repeat(30) });
    post(&stack, &mine, "/api/v1/users/phone/firebase-verify", &firebase)
        .await
        .is_problem(400, "provider_disabled");
    assert_sound(&stack).await;
    stack.end().await;
}

async fn wrong_bodies_are_named(stack: &TestStack, mine: &str) {
    for bad in ["", "12", "0532 123 45", "not a number", "+90 532 123 45 67\u{0}"] {
        ask(stack, mine, bad).await.is_problem(400, "validation_failed");
    }
    for (body, code) in [
        (json!({}), "validation_failed"),
        (json!({ "phone": 5 }), "validation_failed"),
        (json!({ "phone": NUMBER, "code": "12345" }), "validation_failed"),
        (json!({ "phone": NUMBER, "code": "١٢٣٤" }), "validation_failed"),
        (json!({ "phone": "12", "code": "1234" }), "validation_failed"),
        (json!({ "phone": NUMBER, "code": "1234", "more": 1 }), "unknown_field"),
    ] {
        post(stack, mine, "/api/v1/users/phone/verify", &body).await.is_problem(400, code);
    }
    assert!(texts(stack, NUMBER).await.is_empty());
}

async fn another_number_in_the_profile_is_not_proven(stack: &TestStack, mine: &str, used: &str) {
    let other = json!({ "phone": "0533 123 45 67" });
    send(request(stack, Method::PUT, ME).bearer_auth(mine).json(&other)).await;
    assert_eq!(phone(stack, mine).await, (json!("+905331234567"), false));
    // What was proven once does not come back.
    verify(stack, mine, NUMBER, used).await.is_problem(400, "phone_code_invalid");
    assert_eq!(phone(stack, mine).await, (json!("+905331234567"), false));
}

async fn an_auditor_sees_it(stack: &TestStack, account: AccountId) {
    let login = &stack.endpoints.logins.auditor;
    let auditor = token(stack, &login.email, &login.password).await;
    let path = format!("/api/v1/audit/security-events?kind=phone_verified&account={account}");
    let seen = get(stack, &auditor, &path).await.json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "once, although it was asked twice: {seen}");
}

async fn no_event_names_the_number(stack: &TestStack) {
    let naming: i64 =
        sqlx::query_scalar("SELECT count(*) FROM events WHERE payload::text LIKE '%5321234567%'")
            .fetch_one(&stack.database.pool)
            .await
            .unwrap();
    assert_eq!(naming, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_code_counts_and_only_in_its_time() {
    let (stack, clock) = at_nine().await;
    let mine = demo_customer(&stack).await;
    let first = sent(&stack, &mine, NUMBER).await;
    assert!(texts(&stack, NUMBER).await[0].ends_with(". 10 dakika geçerlidir."));
    let mut second = sent(&stack, &mine, NUMBER).await;
    if second == first {
        second = sent(&stack, &mine, NUMBER).await;
    }
    verify(&stack, &mine, NUMBER, &first).await.is_problem(400, "phone_code_invalid");
    clock.advance(Duration::minutes(10));
    verify(&stack, &mine, NUMBER, wrong(&second)).await.is_problem(400, "phone_code_invalid");
    verify(&stack, &mine, NUMBER, &second).await.is_problem(400, "phone_code_expired");
    assert_eq!(phone(&stack, &mine).await, (Value::Null, false));
    let third = sent(&stack, &mine, NUMBER).await;
    clock.advance(Duration::minutes(4));
    is_done(&verify(&stack, &mine, NUMBER, &third).await);
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_belongs_to_the_account_that_proved_it_last() {
    let stack = TestStack::start().await;
    let (one, other) = (customer(&stack).await, customer(&stack).await);
    let code = sent(&stack, &one, NUMBER).await;
    is_done(&verify(&stack, &one, NUMBER, &code).await);
    let code = sent(&stack, &other, NUMBER).await;
    is_done(&verify(&stack, &other, "0532 123 45 67", &code).await);
    assert_eq!(phone(&stack, &one).await, (json!(NUMBER), false));
    assert_eq!(phone(&stack, &other).await, (json!(NUMBER), true));
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_prove_a_number_at_once_one_has_it() {
    let stack = TestStack::start().await;
    let (one, other) = (customer(&stack).await, customer(&stack).await);
    // Each round meets the race at another point.
    for round in 0..4 {
        let number = format!("+9053200000{round:02}");
        let (first, second) = (sent(&stack, &one, &number).await, sent(&stack, &other, &number).await);
        let name = json!({ "company": format!("Kapak {round}") });
        let (first, second, changed) = tokio::join!(
            verify(&stack, &one, &number, &first),
            verify(&stack, &other, &number, &second),
            send(request(&stack, Method::PUT, ME).bearer_auth(&one).json(&name)),
        );
        is_done(&first);
        is_done(&second);
        assert_eq!(changed.status, 200, "{}", changed.text());
        let held = [phone(&stack, &one).await, phone(&stack, &other).await];
        assert!(held.iter().all(|(held, _)| *held == number), "{held:?}");
        assert_eq!(held.iter().filter(|(_, proven)| *proven).count(), 1, "{held:?}");
    }
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_arrive_although_each_call_fails_once() {
    let stack = TestStack::impatient().await;
    let faults = [
        "timeout_before:7000",
        "timeout_after:7000",
        "cut_body",
        "http_502_html",
        "http_502_after",
        "error_500",
        "rate_limited",
    ]
    .map(|fault| Fault::Sms { call: "message", fault });
    let round = AtomicU32::new(0);
    each_call_failing_once(&stack, &faults, async |stack: &TestStack| {
        let number = format!("+9053210000{:02}", round.fetch_add(1, Ordering::Relaxed));
        let mine = customer(stack).await;
        let code = sent(stack, &mine, &number).await;
        is_done(&verify(stack, &mine, &number, &code).await);
        assert_eq!(phone(stack, &mine).await, (json!(number), true));
        eventually("the step has ended", async || {
            let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM inbox WHERE finished_at IS NULL")
                .fetch_one(&stack.database.pool)
                .await
                .unwrap();
            (waiting == 0).then_some(())
        })
        .await;
        // A repeat after an unclear answer is the same code once more.
        let texts = texts(stack, &number).await;
        assert!(texts.len() <= 2, "{texts:?}");
        assert!(texts.iter().all(|text| text.contains(&code)), "{texts:?}");
    })
    .await;
    no_dead_letters(&stack).await;
    assert_sound(&stack).await;
    stack.end().await;
}

async fn no_dead_letters(stack: &TestStack) {
    let letters = journal::dead_letters::list(&stack.database.pool, None, None, 10).await.unwrap();
    assert!(letters.is_empty(), "{letters:?}");
}

/// Nothing that an operator could mend, and the person can try another number.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_takes_no_messages_is_no_dead_letter() {
    let stack = TestStack::start().await;
    let mine = customer(&stack).await;
    let landline = "+15005550009";
    is_done(&ask(&stack, &mine, landline).await);
    eventually("the provider has refused it", async || {
        let refused = "SELECT count(*) FROM inbox WHERE outcome->>'outcome' = 'refused_by_recipient'";
        let refused: i64 = sqlx::query_scalar(refused).fetch_one(&stack.database.pool).await.unwrap();
        (refused == 1).then_some(())
    })
    .await;
    no_dead_letters(&stack).await;
    assert_eq!(texts(&stack, landline).await, Vec::<String>::new());
    sent(&stack, &mine, NUMBER).await;
    stack.end().await;
}

/// The process that decided a proof ended before the profile had the number.
#[tokio::test(flavor = "multi_thread")]
async fn a_decided_proof_comes_into_force_without_the_request_that_decided_it() {
    let stack = TestStack::start().await;
    let mine = customer(&stack).await;
    let (account, selector) = (account(&stack, &mine).await, Uuid::new_v4());
    let (now, pool) = (Clock::system().now(), stack.database.pool.clone());
    phone_codes::store(&pool, account, selector, NUMBER, now).await.unwrap();
    let verification = Verification { selector, expires_at: now + Duration::minutes(10) };
    let unit = [
        AccountCommand::RequestPhoneVerification { verification },
        AccountCommand::VerifyPhone { selector, at: now },
    ];
    let unit = unit.map(|command| Command::Account { id: account, command }).into();
    let commands = stack.service.as_ref().unwrap().commands.clone();
    commands.execute(unit, &context(), Rider::default()).await.unwrap();
    eventually("the number is proven", async || phone(&stack, &mine).await.1.then_some(())).await;
    assert_eq!(phone(&stack, &mine).await, (json!(NUMBER), true));
    stack.end().await;
}

/// A proof that comes into force late undoes none that was decided after it.
#[tokio::test(flavor = "multi_thread")]
async fn the_proof_that_was_decided_last_counts_whatever_comes_into_force_last() {
    let stack = TestStack::start().await;
    let (one, other) = (customer(&stack).await, customer(&stack).await);
    let (first, second) = (account(&stack, &one).await, account(&stack, &other).await);
    let (now, pool) = (Clock::system().now(), stack.database.pool.clone());
    let proven = async |account, number: &str, seconds| {
        let (selector, at) = (Uuid::new_v4(), now + Duration::seconds(seconds));
        phone_codes::store(&pool, account, selector, number, now).await.unwrap();
        phone_codes::Proven { account, selector, position: 1_000 + seconds, at }
    };
    let before = proven(first, "+905330000000", 0).await;
    let (early, late) = (proven(first, NUMBER, 1).await, proven(second, NUMBER, 2).await);
    let apply = async |proven| phone_codes::apply(&pool, proven, Source::default(), now).await.unwrap();
    assert_eq!(apply(before).await, phone_codes::Applied::Now);
    assert_eq!(apply(late).await, phone_codes::Applied::Now);
    assert_eq!(apply(early).await, phone_codes::Applied::Superseded);
    assert_eq!([apply(early).await, apply(late).await], [phone_codes::Applied::Before; 2]);
    // As if each had come into force when it was decided: the number of before is the first one's no more.
    assert_eq!(phone(&stack, &one).await, (json!(NUMBER), false));
    assert_eq!(phone(&stack, &other).await, (json!(NUMBER), true));
    let unknown = phone_codes::Proven { selector: Uuid::new_v4(), ..late };
    assert_eq!(apply(unknown).await, phone_codes::Applied::Missing);
    // The same account's own later one.
    let (earlier, later) = (proven(first, "+905330000001", 3).await, proven(first, "+905330000002", 4).await);
    assert_eq!(apply(later).await, phone_codes::Applied::Now);
    assert_eq!(apply(earlier).await, phone_codes::Applied::Superseded);
    assert_eq!(phone(&stack, &one).await, (json!("+905330000002"), true));
    a_proof_counts_also_when_its_account_has_moved_on(&stack, &one, &other).await;
    stack.end().await;
}

async fn a_proof_counts_also_when_its_account_has_moved_on(stack: &TestStack, one: &str, other: &str) {
    let (first, second) = (account(stack, one).await, account(stack, other).await);
    let (now, pool) = (Clock::system().now(), stack.database.pool.clone());
    let (number, next) = ("+905340000001", "+905340000002");
    let proven = async |account, number: &str, position| {
        let selector = Uuid::new_v4();
        phone_codes::store(&pool, account, selector, number, now).await.unwrap();
        phone_codes::Proven { account, selector, position, at: now + Duration::seconds(position) }
    };
    let apply = async |proven| phone_codes::apply(&pool, proven, Source::default(), now).await.unwrap();
    let (older, old) = (proven(first, number, 2_000).await, proven(first, number, 2_001).await);
    let (taken, moved) = (proven(second, number, 2_002).await, proven(second, next, 2_003).await);
    assert_eq!(apply(old).await, phone_codes::Applied::Now);
    assert_eq!(apply(moved).await, phone_codes::Applied::Now);
    // The other had it in between.
    assert_eq!(apply(taken).await, phone_codes::Applied::Superseded);
    assert_eq!(phone(stack, one).await, (json!(number), false));
    assert_eq!(phone(stack, other).await, (json!(next), true));
    assert_eq!(apply(older).await, phone_codes::Applied::Superseded);
    assert_eq!(phone(stack, one).await, (json!(number), false));
    // What a person writes is not undone by a proof of before.
    let late = phone_codes::Proven { at: now - Duration::hours(1), ..proven(first, next, 2_004).await };
    let body = json!({ "phone": "+905340000003" });
    let written = send(request(stack, Method::PUT, ME).bearer_auth(one).json(&body)).await;
    assert_eq!(written.status, 200, "{}", written.text());
    assert_eq!(apply(late).await, phone_codes::Applied::Superseded);
    assert_eq!(phone(stack, one).await, (json!("+905340000003"), false));
    assert_eq!(phone(stack, other).await, (json!(next), false), "it was proven elsewhere since");
    // Unless it is this very number.
    let third = "+905340000003";
    let late = phone_codes::Proven { at: now - Duration::hours(1), ..proven(first, third, 2_005).await };
    assert_eq!(apply(late).await, phone_codes::Applied::Now);
    assert_eq!(phone(stack, one).await, (json!(third), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_sends_messages_nothing_is_promised() {
    let stack = TestStack::adjusted(|options| {
        quick(options);
        options.settings.texts.provider = SmsProvider::None;
    })
    .await;
    let mine = customer(&stack).await;
    ask(&stack, &mine, NUMBER).await.is_problem(409, "phone_verification_disabled");
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM phone_codes").fetch_one(&stack.database.pool).await.unwrap();
    assert_eq!(kept, 0);
    verify(&stack, &mine, NUMBER, "1234").await.is_problem(400, "phone_code_invalid");
    stack.end().await;
}
