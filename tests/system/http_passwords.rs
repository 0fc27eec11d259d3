//! A forgotten password, and what its owner is told; a role that is granted.

use super::http_edge::{Answer, get, send};
use super::http_sessions::{login, open, refresh, register, text};
use api::auth::security_log::Origin;
use app::demo::road;
use domain::account::{Account, Role, Verification};
use domain::{AccountCommand, AccountId, Command};
use harness::door::context;
use harness::{Fault, TestStack, assert_sound, each_call_failing_once, eventually};
use journal::roles;
use journal::tables::accounts;
use journal::tables::password_changes::{self, NewPassword};
use journal::tables::password_reset;
use journal::{Clock, Rider};
use reqwest::Url;
use serde_json::{Value, json};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

const OLD: &str = super::http_edge::PASSWORD;
const NEW: &str = "Yepyeni-2027!";
const OTHER: &str = "Bambaska-2028!";

async fn ask(stack: &TestStack, what: &str, body: &Value) -> Answer {
    send(open(stack, &format!("/api/v1/auth/{what}")).json(body)).await
}

async fn forgot(stack: &TestStack, email: &str) {
    let answer = ask(stack, "forgot-password", &json!({ "email": email })).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true })), "{}", answer.text());
}

async fn mail(stack: &TestStack, email: &str, part: &str) -> String {
    let found = road::mail_for(&stack.client, &stack.endpoints, email, |text| text.contains(part)).await;
    found.unwrap()["text"].as_str().unwrap().to_owned()
}

/// Link's token and code of the only mail about a reset.
async fn mailed(stack: &TestStack, email: &str) -> (String, String) {
    let text = mail(stack, email, "/reset-password?token=").await;
    let link = text.split_whitespace().find(|word| word.contains("?token=")).unwrap();
    let link: Url = link.parse().unwrap();
    let token = link.query_pairs().find(|(name, _)| name == "token").unwrap().1.into_owned();
    let code = text.lines().find_map(|line| line.strip_prefix("Ya da bu kodu girin: ")).unwrap();
    (token, code.to_owned())
}

async fn deniz(stack: &TestStack) -> &'static str {
    assert_eq!(register(stack, &json!({})).await.status, 201);
    "deniz@example.com"
}

async fn account(stack: &TestStack, email: &str) -> AccountId {
    let id = sqlx::query_scalar("SELECT id FROM accounts WHERE email = $1").bind(email);
    AccountId(id.fetch_one(&stack.database.pool).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mailed_link_sets_a_password_once_and_ends_every_session() {
    let stack = TestStack::start().await;
    let email = deniz(&stack).await;
    let session = login(&stack, email, OLD, true).await;
    forgot(&stack, "nobody@example.com").await;
    forgot(&stack, "DENIZ@example.com").await;
    let (token, _) = mailed(&stack, email).await;
    let reset = async |password: &str, token: &str| {
        ask(&stack, "reset-password", &json!({ "token": token, "password": password })).await
    };
    reset("short", &token).await.is_problem(400, "validation_failed");
    reset(NEW, "made.up.token").await.is_problem(400, "reset_invalid");
    let both = json!({ "token": token, "email": email, "code": "1234", "password": NEW });
    ask(&stack, "reset-password", &both).await.is_problem(400, "validation_failed");
    let done = reset(NEW, &token).await;
    assert_eq!((done.status, done.json()), (200, json!({ "ok": true })), "{}", done.text());
    assert!(done.header("x-journal-position").parse::<i64>().unwrap() > 0);
    refresh(&stack, &text(&session, "refreshToken")).await.is_problem(401, "invalid_refresh");
    login(&stack, email, OLD, false).await.is_problem(401, "invalid_credentials");
    assert_eq!(login(&stack, email, NEW, false).await.status, 200);
    assert_eq!(reset(NEW, &token).await.status, 200, "a repeat is no error");
    reset(OTHER, &token).await.is_problem(400, "reset_invalid");
    assert_eq!(login(&stack, email, NEW, false).await.status, 200);
    mail(&stack, email, "parolası değişti").await;
    let kinds = recorded(&stack, email).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "password_reset_requested").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "password_reset").count(), 1, "{kinds:?}");
    assert_sound(&stack).await;
    stack.end().await;
}

/// What an auditor sees of the account's logins: the kinds, newest first.
async fn recorded(stack: &TestStack, email: &str) -> Vec<String> {
    let auditor = stack.endpoints.logins.auditor.clone();
    let token = text(&login(stack, &auditor.email, &auditor.password, false).await, "accessToken");
    let path = format!("/api/v1/audit/security-events?account={}", account(stack, email).await);
    let items = get(stack, &token, &path).await.json()["items"].clone();
    items.as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_run_out_by_guessing_and_the_link_does_not() {
    let stack = TestStack::start().await;
    let email = deniz(&stack).await;
    forgot(&stack, email).await;
    let (token, code) = mailed(&stack, email).await;
    let verify = async |email: &str, code: &str| {
        ask(&stack, "verify-reset-code", &json!({ "email": email, "code": code })).await
    };
    verify(email, "12345").await.is_problem(400, "validation_failed");
    assert_eq!(verify(email, &code).await.status, 200);
    let wrong = if code == "1234" { "4321" } else { "1234" };
    for _ in 0..10 {
        verify(email, wrong).await.is_problem(400, "reset_invalid");
        verify("nobody@example.com", wrong).await.is_problem(400, "reset_invalid");
    }
    // The right one comes too late, and an address without an account answers the same.
    verify(email, &code).await.is_problem(429, "reset_code_locked");
    verify("nobody@example.com", wrong).await.is_problem(429, "reset_code_locked");
    let kinds = recorded(&stack, email).await;
    let count = |kind: &str| kinds.iter().filter(|one| *one == kind).count();
    assert_eq!((count("reset_code_failed"), count("guessing_locked")), (10, 1), "{kinds:?}");
    let by_code = json!({ "email": email, "code": code, "password": NEW });
    ask(&stack, "reset-password", &by_code).await.is_problem(429, "reset_code_locked");
    let by_link = json!({ "token": token, "password": NEW, "confirmPassword": NEW });
    assert_eq!(ask(&stack, "reset-password", &by_link).await.status, 200);
    assert_eq!(login(&stack, email, NEW, false).await.status, 200);
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_resets_with_one_code_one_counts() {
    let stack = TestStack::start().await;
    // Each round meets the race at another point.
    for round in 0..8 {
        let email = format!("race{round}@example.com");
        assert_eq!(register(&stack, &json!({ "email": email })).await.status, 201);
        forgot(&stack, &email).await;
        let (_, code) = mailed(&stack, &email).await;
        let reset = async |password: &'static str| {
            let body = json!({ "email": email, "code": code, "password": password });
            (password, ask(&stack, "reset-password", &body).await)
        };
        let (one, other) = tokio::join!(reset(NEW), reset(OTHER));
        let (won, lost) = if one.1.status == 200 { (one, other) } else { (other, one) };
        assert_eq!((won.1.status, lost.1.status), (200, 400), "{} {}", won.1.text(), lost.1.text());
        assert_eq!(login(&stack, &email, won.0, false).await.status, 200);
        login(&stack, &email, lost.0, false).await.is_problem(401, "invalid_credentials");
    }
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_with_its_time() {
    let clock = Clock::manual(datetime!(2026-11-24 09:00 UTC));
    let stack = TestStack::at(&clock).await;
    let email = deniz(&stack).await;
    forgot(&stack, email).await;
    let (token, code) = mailed(&stack, email).await;
    clock.advance(Duration::minutes(10));
    let by_link = json!({ "token": token, "password": NEW });
    ask(&stack, "reset-password", &by_link).await.is_problem(400, "reset_expired");
    let by_code = json!({ "email": email, "code": code, "password": NEW });
    ask(&stack, "reset-password", &by_code).await.is_problem(400, "reset_expired");
    let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM password_changes")
        .fetch_one(&stack.database.pool)
        .await
        .unwrap();
    assert_eq!(waiting, 0, "what was refused is kept");
    stack.end().await;
}

/// The process that decided a new password ended before it was in force.
#[tokio::test(flavor = "multi_thread")]
async fn a_decided_password_comes_into_force_without_the_request_that_decided_it() {
    let stack = TestStack::start().await;
    let email = deniz(&stack).await;
    let account = account(&stack, email).await;
    let session = login(&stack, email, OLD, false).await;
    let (clock, commands) = (Clock::system(), stack.service.as_ref().unwrap().commands.clone());
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let now = clock.now();
    let passwords = stack.service.as_ref().unwrap().state.passwords.clone();
    for (id, password, kept_session) in [(first, OTHER, Some(Uuid::new_v4())), (second, NEW, None)] {
        let hash = passwords.hash(password).await.unwrap();
        let new = NewPassword { id, account, hash: &hash, kept_session, now };
        assert!(password_changes::store(&stack.database.pool, &new).await.unwrap());
    }
    // Two at once: the second one waits for the first.
    let reset = Verification { selector: second, expires_at: now + Duration::minutes(10) };
    let unit = [
        AccountCommand::ChangePassword { credential: first, replaces: Uuid::nil() },
        AccountCommand::RequestPasswordReset { reset },
        AccountCommand::ResetPassword { selector: second, at: now },
    ];
    let unit = unit.map(|command| Command::Account { id: account, command }).into();
    let context = context();
    commands.execute(unit, &context, Rider::default()).await.unwrap();
    eventually("the second password is in force", async || {
        let credential: Uuid = sqlx::query_scalar("SELECT credential_id FROM accounts WHERE id = $1")
            .bind(account.0)
            .fetch_one(&stack.database.pool)
            .await
            .unwrap();
        (credential == second).then_some(())
    })
    .await;
    refresh(&stack, &text(&session, "refreshToken")).await.is_problem(401, "invalid_refresh");
    for old in [OLD, OTHER] {
        login(&stack, email, old, false).await.is_problem(401, "invalid_credentials");
    }
    assert_eq!(login(&stack, email, NEW, false).await.status, 200);
    for kind in ["password_changed", "password_reset"] {
        assert_eq!(requests_behind(&stack, account, kind).await, [context.correlation_id], "{kind}");
    }
    assert_sound(&stack).await;
    stack.end().await;
}

async fn requests_behind(stack: &TestStack, account: AccountId, kind: &str) -> Vec<Uuid> {
    sqlx::query_scalar("SELECT request_id FROM security_events WHERE account_id = $1 AND kind = $2")
        .bind(account.0)
        .bind(kind)
        .fetch_all(&stack.database.pool)
        .await
        .unwrap()
}

/// The operator's process ended before the role was in force.
#[tokio::test(flavor = "multi_thread")]
async fn a_granted_role_comes_into_force_without_the_command_that_granted_it() {
    let stack = TestStack::start().await;
    let email = deniz(&stack).await;
    let account = account(&stack, email).await;
    let (context, reason) = (context(), "draws".to_owned());
    let command = AccountCommand::GrantRole { role: Role::Designer, reason };
    let unit = vec![Command::Account { id: account, command }];
    let commands = stack.service.as_ref().unwrap().commands.clone();
    commands.execute(unit, &context, Rider::default()).await.unwrap();
    eventually("the role is in force", async || {
        let row = accounts::get(&stack.database.pool, account).await.unwrap().unwrap();
        (row.role.0 == Role::Designer).then_some(())
    })
    .await;
    // Whoever comes late finds it done and on record.
    roles::put_in_force(&stack.database.pool, account, Clock::system().now()).await.unwrap();
    assert_eq!(requests_behind(&stack, account, "role_granted").await, [context.correlation_id]);
    stack.end().await;
}

/// It had shown the old password, and waited for its turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_under_way_does_not_outlive_the_old_password() {
    let stack = TestStack::start().await;
    let email = deniz(&stack).await;
    let proven = accounts::get(&stack.database.pool, account(&stack, email).await).await.unwrap().unwrap();
    forgot(&stack, email).await;
    let (token, _) = mailed(&stack, email).await;
    let body = json!({ "token": token, "password": NEW });
    assert_eq!(ask(&stack, "reset-password", &body).await.status, 200);
    let sessions = stack.service.as_ref().unwrap().state.sessions.clone();
    let refused = sessions.begin(&proven, true, &Origin::default()).await.err().unwrap();
    assert_eq!((refused.status.as_u16(), refused.code), (401, "invalid_credentials"));
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_ends_the_session_and_its_owner_is_told() {
    let clock = Clock::manual(datetime!(2026-11-24 09:00 UTC));
    let stack = TestStack::at(&clock).await;
    let email = deniz(&stack).await;
    let stolen = text(&login(&stack, email, OLD, true).await, "refreshToken");
    assert_eq!(refresh(&stack, &stolen).await.status, 200);
    clock.advance(Duration::minutes(1));
    refresh(&stack, &stolen).await.is_problem(401, "refresh_reuse_detected");
    let text = mail(&stack, email, "ikinci kez kullanıldı").await;
    assert!(text.contains("24.11.2026 12:01"), "{text}");
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_about_an_account_survive_each_step_failing_once() {
    let stack = TestStack::start().await;
    let fault = |call, fault| Fault::Mail { call, fault };
    let faults = [fault("rcpt", "reply:450"), fault("dot", "reply:451"), fault("dot", "close_after_dot")];
    each_call_failing_once(&stack, &faults, async |stack: &TestStack| {
        let email = format!("a{}@example.com", Uuid::new_v4().simple());
        let provisioned = provision(stack, &email).await;
        forgot(stack, &email).await;
        let (token, _) = mailed(stack, &email).await;
        let body = json!({ "token": token, "password": NEW });
        assert_eq!(ask(stack, "reset-password", &body).await.status, 200);
        mail(stack, &email, "parolası değişti").await;
        let (id, commands) = (provisioned.to_string(), &stack.service.as_ref().unwrap().commands);
        let state = commands.state::<Account>(&id).await.unwrap();
        let (_, selector) = password_reset::checked(&server_secret(stack), &token).unwrap();
        assert_eq!(state.registered().unwrap().credential, selector);
    })
    .await;
    let letters = journal::dead_letters::list(&stack.database.pool, None, None, 10).await.unwrap();
    assert!(letters.is_empty(), "{letters:?}");
    stack.end().await;
}

fn server_secret(stack: &TestStack) -> Vec<u8> {
    stack.options().settings.sessions.server_secret.expose().as_bytes().to_vec()
}

/// An account whose address needs no mail, so that the fault hits the mail in question.
async fn provision(stack: &TestStack, email: &str) -> AccountId {
    use api::auth::provision::{Provision, Provisioned, provision};
    use api::auth::registration::Registration;
    use axum::extract::FromRef;
    let wanted = Provision {
        email: email.to_owned(),
        name: None,
        role: domain::account::Role::Customer,
        password: OLD.to_owned(),
        verified: true,
        locale: api::extract::Locale::Tr,
    };
    let registration = Registration::from_ref(&stack.service.as_ref().unwrap().state);
    match provision(&registration, wanted).await.unwrap() {
        Provisioned::Created(registered) => registered.account,
        Provisioned::Existing { .. } => panic!("{email} exists"),
    }
}
