//! How often somebody may do something, and that guessing locks out nobody but the guesser.

use super::http_edge::{Answer, csrf, get, request, send, token};
use api::limits::Rules;
use app::config::value::Whole;
use app::wiring::Options;
use harness::{TestStack, quick};
use journal::tables::rate_limits::{self, Use};
use reqwest::Method;
use serde_json::json;
use time::Duration;

const VICTIM: &str = "musteri@polikrami.example";
const VICTIMS_PASSWORD: &str = "Demo-2026!kapak";
const ELSEWHERE: &str = "198.51.100.7";
const ATTACKER: &str = "203.0.113.66";

fn behind_a_proxy(options: &mut Options) {
    quick(options);
    options.settings.server.trusted_proxies = Whole(1);
}

async fn login(stack: &TestStack, client: &str, email: &str, password: &str, cookie: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    let request = request(stack, Method::POST, "/api/v1/auth/login").header("x-forwarded-for", client);
    send(request.header("cookie", cookie).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_locks_out_the_guesser_and_spares_the_victim() {
    let stack = TestStack::adjusted(behind_a_proxy).await;
    let first = login(&stack, "192.0.2.1", VICTIM, VICTIMS_PASSWORD, "").await;
    let cookies: Vec<&str> =
        first.headers.get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    let device = cookies.iter().find(|one| one.starts_with("device=")).unwrap();
    let device = device.split(';').next().unwrap();
    for email in [VICTIM, "nobody@polikrami.example"] {
        for _ in 0..5 {
            login(&stack, ATTACKER, email, "Wrong-2026!", "").await.is_problem(401, "invalid_credentials");
        }
        // With the right password as well, and in any spelling: the answer tells nothing.
        let locked = login(&stack, ATTACKER, &email.to_uppercase(), VICTIMS_PASSWORD, "").await;
        locked.is_problem(429, "login_locked");
        login(&stack, ATTACKER, email, "Wrong-2026!", "").await.is_problem(429, "login_locked");
        let wait: u32 = locked.header("retry-after").parse().unwrap();
        assert!((1..=600).contains(&wait), "{wait}");
    }
    assert_eq!(login(&stack, ELSEWHERE, VICTIM, VICTIMS_PASSWORD, "").await.status, 200);
    // Behind the guesser's very address, the browser that is known gets in.
    assert_eq!(login(&stack, ATTACKER, VICTIM, VICTIMS_PASSWORD, device).await.status, 200);
    the_auditor_sees_it(&stack).await;
    stack.end().await;
}

async fn the_auditor_sees_it(stack: &TestStack) {
    let login = &stack.endpoints.logins.auditor;
    let auditor = token(stack, &login.email, &login.password).await;
    let of = |kind: &str| format!("/api/v1/audit/security-events?kind={kind}");
    let failed = get(stack, &auditor, &of("login_failed")).await.json();
    assert_eq!(failed["pagination"]["total"], 10);
    assert_eq!(failed["items"][0]["accountId"], json!(null));
    assert_eq!(failed["items"][9]["clientIp"], ATTACKER);
    let locked = get(stack, &auditor, &of("login_locked")).await.json();
    assert_eq!(locked["pagination"]["total"], 2, "{locked}");
    let logged_in = get(stack, &auditor, &of("logged_in")).await.json();
    assert_eq!(logged_in["pagination"]["total"], 4, "{logged_in}");
    get(stack, &auditor, &of("nonsense")).await.is_problem(400, "validation_failed");
    let customer = token(stack, VICTIM, VICTIMS_PASSWORD).await;
    get(stack, &customer, &of("login_failed")).await.is_problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_told_and_kept() {
    let few = |options: &mut Options| {
        behind_a_proxy(options);
        options.settings.limits.global_points = Whole(4);
    };
    let stack = TestStack::adjusted(few).await;
    let ask = async |client: &str| {
        let body = json!({ "email": "nobody@polikrami.example" });
        let csrf = csrf(&stack);
        let request =
            request(&stack, Method::POST, "/api/v1/auth/resend-verification").header("x-csrf-token", &csrf);
        send(request.header("cookie", format!("csrf={csrf}")).header("x-forwarded-for", client).json(&body))
            .await
    };
    let first = ask(ELSEWHERE).await;
    assert_eq!(first.status, 200, "{}", first.text());
    // Of the limits that it met, the tightest is told.
    assert_eq!(first.header("ratelimit-policy"), "\"email_verification\";q=3;w=60");
    assert!(first.header("ratelimit").starts_with("\"email_verification\";r=2;t="));
    assert_eq!(first.header("x-ratelimit-remaining"), "2");
    for _ in 0..2 {
        assert_eq!(ask(ELSEWHERE).await.status, 200);
    }
    let refused = ask(ELSEWHERE).await;
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.json()["limit"], "email_verification");
    assert_eq!(refused.json()["retryAfter"], refused.header("retry-after").parse::<u32>().unwrap());
    assert_eq!(ask(ELSEWHERE).await.json()["limit"], "auth");
    // Another client is counted by itself; what it claims about others is not believed.
    assert_eq!(ask(&format!("{ELSEWHERE}, {ATTACKER}")).await.status, 200);
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_count_together_and_forget_together() {
    let database = harness::database().await;
    let pool = &database.pool;
    let (rule, now) = (Rules::default().auth, time::OffsetDateTime::now_utc());
    let key = rate_limits::key(b"secret", rule.name, "192.0.2.1");
    let how = Use { times: 1, most: 60, window: Duration::MINUTE, penalty: rule.penalty };
    let take = |now| rate_limits::take(pool, key, how, now);
    let all = futures::future::join_all((0..50).map(|_| take(now))).await;
    let mut used: Vec<i32> = all.into_iter().map(|count| count.unwrap().used).collect();
    used.sort_unstable();
    assert_eq!(used, (1..=50).collect::<Vec<_>>());
    // One too many begins a whole window of waiting, and the next ones do not.
    let late = now + Duration::seconds(59);
    for _ in 51..=60 {
        take(late).await.unwrap();
    }
    for _ in 0..2 {
        let refused = take(late).await.unwrap();
        assert!(refused.used > 60 && refused.ends_at - late <= Duration::MINUTE, "{refused:?}");
        assert!(refused.ends_at > now + Duration::minutes(1) + Duration::seconds(58), "{refused:?}");
    }
    assert!(take(now + Duration::MINUTE).await.unwrap().used > 60);
    assert_eq!(take(now + Duration::minutes(2)).await.unwrap().used, 1);
    assert_eq!(rate_limits::delete_ended(pool, now + Duration::minutes(4), 10).await.unwrap(), 1);
}
