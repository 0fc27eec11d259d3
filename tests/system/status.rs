//! What stands still is seen, named with its cause, and gone when it is mended: `polikrami status` and `/metrics`.

use app::config::value::SecretText;
use harness::{TestStack, eventually, process};
use journal::{dead_letters, health};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool};
use std::time::{Duration, Instant};

/// What the command says of a stack: its exit code and its report.
async fn status(stack: &TestStack) -> (i32, Value) {
    let (database, admin) = (stack.endpoints.database_url.clone(), stack.endpoints.admin.clone());
    status_of(database, &["--admin-url", &admin]).await
}

async fn status_of(database: String, more: &[&str]) -> (i32, Value) {
    let more: Vec<String> = more.iter().map(ToString::to_string).collect();
    let answer = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(process::binary());
        command.args(["status", "--json", "--database-url", &database]).args(more);
        command.output().unwrap()
    });
    let answer = answer.await.unwrap();
    let report = serde_json::from_slice(&answer.stdout).unwrap_or(Value::Null);
    (answer.status.code().unwrap(), report)
}

/// The finding that begins with these words.
fn finding(report: &Value, begin: &str) -> Option<String> {
    let texts = report["findings"].as_array()?.iter().filter_map(|one| one["text"].as_str());
    texts.map(ToOwned::to_owned).find(|text| text.starts_with(begin))
}

async fn well(stack: &TestStack) {
    eventually("all is well", async || {
        let (code, report) = status(stack).await;
        (code == 0 && report["findings"].as_array()?.is_empty()).then_some(())
    })
    .await;
}

pub async fn metrics(stack: &TestStack) -> String {
    let answer = stack.client.get(format!("{}/metrics", stack.endpoints.admin)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

/// The same, as soon as a series has this value: what the database is asked for it may be late.
async fn metrics_with(stack: &TestStack, series: &str, wanted: Option<f64>) -> String {
    eventually(series, async || {
        let text = metrics(stack).await;
        (value(&text, series) == wanted).then_some(text)
    })
    .await
}

/// The value of a series, written as Prometheus writes it.
pub fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

/// Every line is a comment, or a series whose family was announced, with a number.
fn assert_readable(text: &str) {
    let mut announced = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            announced = name;
        } else if !line.starts_with("# HELP ") {
            let (series, number) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let part = name.strip_prefix(announced).unwrap_or_else(|| panic!("{line}"));
            assert!(["", "_bucket", "_sum", "_count"].contains(&part), "{line}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
            assert!(number.parse::<f64>().unwrap() >= 0.0, "{line}");
        }
    }
    assert!(text.ends_with('\n'));
}

/// Whatever a stranger asks for makes no series of its own.
async fn requests_are_counted_by_route(stack: &TestStack) {
    for path in ["/nowhere/1", "/nowhere/2", "/api/v1/orders/no-id"] {
        stack.client.get(format!("{}{path}", stack.endpoints.api)).send().await.unwrap();
    }
    let strange = reqwest::Method::from_bytes(b"STRANGE").unwrap();
    stack.client.request(strange, format!("{}/health", stack.endpoints.api)).send().await.unwrap();
    let text = metrics(stack).await;
    for (labels, count) in [
        ("{method=\"GET\",route=\"none\",status=\"404\"}", 2.0),
        ("{method=\"GET\",route=\"/api/v1/orders/{id}\",status=\"401\"}", 1.0),
        ("{method=\"other\",route=\"/health\",status=\"403\"}", 1.0),
    ] {
        for series in ["polikrami_http_requests_total", "polikrami_http_request_duration_seconds_count"] {
            assert_eq!(value(&text, &format!("{series}{labels}")), Some(count), "{series}{labels}\n{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_without_nats_is_named_until_nats_is_back() {
    let mut stack = TestStack::start().await;
    stack.customer().await;
    well(&stack).await;
    stack.nats.kill();
    // Orders go on: this is what the relay cannot publish.
    stack.customer().await;
    let (code, report) = eventually("the relay is named", async || {
        let (code, report) = status(&stack).await;
        finding(&report, "the relay has not published for").map(|_| (code, report))
    })
    .await;
    assert_eq!((code, &report["verdict"]), (1, &json!("stands_still")), "{report}");
    assert_eq!(report["service"]["relay"]["activity"], "Interrupted", "{report}");
    let lag = "journal_reader_lag_events{reader=\"relay\",kind=\"relay\"}";
    assert!(value(&metrics(&stack).await, lag).unwrap() > 0.0);
    stack.nats.restart().await;
    well(&stack).await;
    let text = metrics(&stack).await;
    assert_readable(&text);
    for reader in [
        "relay\",kind=\"relay",
        "seals\",kind=\"seals",
        "orders\",kind=\"projection",
        "welcome\",kind=\"flow",
    ] {
        for lag in ["events", "seconds"] {
            assert_eq!(
                value(&text, &format!("journal_reader_lag_{lag}{{reader=\"{reader}\"}}")),
                Some(0.0),
                "{reader}"
            );
        }
    }
    assert!(value(&text, "relay_failures_total").unwrap() >= 1.0);
    requests_are_counted_by_route(&stack).await;
    assert_eq!(value(&text, "journal_head_position"), value(&text, "journal_writer_events_total"));
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_read_model_is_named_with_its_place_and_cause() {
    let stack = TestStack::start().await;
    let mut owner = PgConnection::connect(&stack.endpoints.database_url).await.unwrap();
    let poison = "ALTER TABLE read.wallet_entries ADD CONSTRAINT no_more_entries CHECK (false) NOT VALID";
    sqlx::query(poison).execute(&mut owner).await.unwrap();
    stack.customer().await;
    let found = eventually("the read model is named", async || {
        let (code, report) = status(&stack).await;
        finding(&report, "wallet_entries stopped at ").map(|text| (code, text))
    })
    .await;
    let position: i64 =
        sqlx::query_scalar("SELECT failed_position FROM projection_status WHERE name = 'wallet_entries'")
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert_eq!(found.0, 1);
    assert!(found.1.starts_with(&format!("wallet_entries stopped at {position}, ")), "{}", found.1);
    assert!(found.1.contains("no_more_entries"), "{}", found.1);
    metrics_with(&stack, "projection_stopped{projection=\"wallet_entries\"}", Some(1.0)).await;
    sqlx::query("ALTER TABLE read.wallet_entries DROP CONSTRAINT no_more_entries")
        .execute(&mut owner)
        .await
        .unwrap();
    assert!(projections::resume(&stack.database.pool, "wallet_entries").await.unwrap());
    well(&stack).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_and_unfinished_steps_are_counted_by_flow() {
    let stack = TestStack::adjusted(|options| {
        harness::quick(options);
        options.settings.files.stability_api_key = SecretText::new("sk-wrong");
        // It would take up the step that this test leaves unfinished.
        options.policy.self_check = Duration::from_hours(1);
    })
    .await;
    stack.picture_asked().await;
    let pool = &stack.database.pool;
    eventually("the dead letter", async || health::letters(pool).await.unwrap().into_iter().next()).await;
    let (code, report) = status(&stack).await;
    assert_eq!(code, 1, "{report}");
    let text = finding(&report, "1 dead letter in ai_generation, it is ").unwrap();
    let letter = &dead_letters::list(pool, None, None, 1).await.unwrap()[0];
    assert!(text.ends_with(&letter.error.chars().take(300).collect::<String>()), "{text}");
    metrics_with(&stack, "dead_letters_open{flow=\"ai_generation\"}", Some(1.0)).await;
    begun_long_ago(pool).await;
    let (_, report) = status(&stack).await;
    let text = finding(&report, "mailing a verification link has been waiting 5 min").unwrap();
    assert!(text.contains("after 3 attempts (account_mail, event "), "{text}");
    let text = metrics_with(&stack, "intents_unfinished{flow=\"account_mail\"}", Some(1.0)).await;
    assert!(value(&text, "intents_oldest_seconds{flow=\"account_mail\"}").unwrap() >= 300.0);
    stack.end().await;
}

/// As if the mail of the first registration had been begun and never finished.
async fn begun_long_ago(pool: &PgPool) {
    let change = "UPDATE inbox SET finished_at = NULL, outcome = NULL, attempts = 3, started_at = now() - interval '301 s' \
         WHERE saga = 'account_mail' AND position = (SELECT max(position) FROM inbox WHERE saga = 'account_mail')";
    let result = sqlx::query(change).execute(pool).await.unwrap();
    assert_eq!(result.rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_the_process_still_says_what_it_knows() {
    let stack = TestStack::start().await;
    stack.customer().await;
    let url = &stack.endpoints.database_url;
    let (server, name) = url.rsplit_once('/').unwrap();
    let mut operator = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    let refuse = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false");
    sqlx::query(&refuse).execute(&mut operator).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    sqlx::query(end).bind(name).execute(&mut operator).await.unwrap();
    let asked = Instant::now();
    let text = metrics(&stack).await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_readable(&text);
    assert_eq!(value(&text, "database_up"), Some(0.0));
    assert!(value(&text, "journal_writer_events_total").unwrap() > 0.0);
    assert_eq!(value(&text, "journal_head_position"), None, "what is not known is not there");
    let page = stack.client.get(format!("{}/status", stack.endpoints.admin)).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    let page: Value = page.json().await.unwrap();
    assert!(page["error"].is_string() && page["writer"]["events"].as_u64().unwrap() > 0, "{page}");
    let (code, report) = status(&stack).await;
    assert_eq!((code, &report["verdict"]), (2, &json!("cannot_look")));
    assert!(
        finding(&report, "PostgreSQL does not answer: ").unwrap().contains("accepting connections"),
        "{report}"
    );
    sqlx::query(&refuse.replace("false", "true")).execute(&mut operator).await.unwrap();
    well(&stack).await;
    metrics_with(&stack, "database_up", Some(1.0)).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_where_nobody_answers_cannot_be_looked_at() {
    let (code, report) = status_of("postgres://nobody@127.0.0.1:1/nothing".into(), &[]).await;
    assert_eq!(code, 2);
    assert!(finding(&report, "PostgreSQL does not answer: ").unwrap().contains("refused"), "{report}");
    let (code, report) = status_of("no address".into(), &[]).await;
    assert_eq!((code, report["verdict"].as_str()), (2, Some("cannot_look")));
}
