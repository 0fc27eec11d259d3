//! The service against its own description: thousands of requests made from the document, right ones and wrong ones.
//! What answers with a status, a kind or a form that the document does not name is a failure, as is every 5xx.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::large_futures,
    reason = "a test fails at once, says why, and its futures run alone"
)]

mod stock;
mod tool;

use app::config::value::Whole;
use harness::{TestStack, quick};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tool::Run;

/// Below it, the run has shown too little.
const REQUESTS_MIN: u64 = 5_000;
const SEED: u64 = 20_261_124;
/// More than the run can use up.
const POINTS: u32 = 10_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_service_answers_as_its_description_says() {
    let seed = std::env::var("SCHEMA_SEED").map_or(SEED, |text| text.parse().unwrap());
    let stack = TestStack::adjusted(|options| {
        quick(options);
        options.settings.limits.api_points = Whole(POINTS);
        options.settings.limits.global_points = Whole(POINTS);
        // As long as the run may last.
        options.settings.sessions.access_life.0 = Duration::from_hours(1);
    })
    .await;
    // Its report stays there, for whoever looks for the cause.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema");
    std::fs::create_dir_all(&folder).unwrap();
    let document = folder.join("openapi.json");
    std::fs::write(&document, strict(&stack).await.to_string()).unwrap();
    let token = admin(&stack).await;
    // Sessions of the same account, for the run to end.
    admin(&stack).await;
    admin(&stack).await;
    stock::fill(&stack, &token, &folder).await;
    let run = Run { api: stack.endpoints.api.clone(), document, token, seed };
    let report = tool::run(run, &folder).await;
    // Past the capture of the tests' words: a green run tells its seed as well.
    writeln!(std::io::stderr(), "schema: {} requests, seed {seed}", report.requests).unwrap();
    assert!(report.passed, "seed {seed}; again with: ./test schema --seed {seed}");
    assert!(report.requests >= REQUESTS_MIN, "only {} requests", report.requests);
    stack.end().await;
}

/// The served document without its `default` answers: with them, no status would be one too many.
async fn strict(stack: &TestStack) -> Value {
    let answer = stack.client.get(format!("{}/openapi.json", stack.endpoints.api)).send().await.unwrap();
    let mut document: Value = answer.json().await.unwrap();
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            if let Some(responses) = operation["responses"].as_object_mut() {
                responses.remove("default").unwrap();
            }
        }
    }
    document
}

/// Any role may buy, and this one may look at the record as well.
async fn admin(stack: &TestStack) -> String {
    let login = &stack.endpoints.logins.admin;
    let body = json!({ "email": login.email, "password": login.password });
    let ask = stack.client.post(format!("{}/api/v1/auth/login", stack.endpoints.api)).json(&body);
    let answer: Value = ask.send().await.unwrap().json().await.unwrap();
    answer["accessToken"].as_str().unwrap().to_owned()
}

/// The checkout that the tests are built from.
fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
