//! The auditor's view: the whole history of an order, any moment of it, and what was tampered with.

use super::http_edge::{Answer, get, request, send, token, token_of};
use app::demo::{Steps, road};
use harness::{TestStack, eventually};
use reqwest::Method;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

async fn auditor(stack: &TestStack) -> String {
    let auditor = &stack.endpoints.logins.auditor;
    token(stack, &auditor.email, &auditor.password).await
}

fn path(order: &str, as_of: &str) -> String {
    format!("/api/v1/audit/orders/{order}/history{as_of}")
}

async fn history(stack: &TestStack, token: &str, order: &str, as_of: &str) -> Value {
    let answer: Answer = get(stack, token, &path(order, as_of)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn events(history: &Value) -> &Vec<Value> {
    history["events"].as_array().unwrap()
}

fn position(history: &Value, aggregate: &str, event: &str) -> i64 {
    let fits = |one: &&Value| one["aggregateType"] == aggregate && one["eventType"] == event;
    events(history).iter().find(fits).unwrap()["position"].as_i64().unwrap()
}

/// The state of the one aggregate of this kind at that moment, if it was there.
fn state<'a>(history: &'a Value, aggregate: &str) -> Option<&'a Value> {
    let states = history["state"].as_array().unwrap();
    states.iter().find(|one| one["aggregateType"] == aggregate).map(|one| &one["state"])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_sees_the_whole_order_at_any_moment_and_any_tampering() {
    let stack = TestStack::start().await;
    let mut person = stack.customer().await;
    let order = stack.order(&mut person).await;
    road::pay(&stack.client, &mut person.shop, &order, &mut Steps::quiet()).await.unwrap();
    let auditor = auditor(&stack).await;
    eventually("the invoice is issued", async || {
        let history = history(&stack, &auditor, &order, "").await;
        events(&history).iter().any(|event| event["eventType"] == "invoice_issued").then_some(())
    })
    .await;
    only_auditors_and_admins_may_look(&stack, &person, &order).await;
    let whole = everything_is_there_and_verified(&stack, &auditor, &order).await;
    any_moment_can_be_asked_for(&stack, &auditor, &order, &whole).await;
    what_cannot_be_asked_is_said(&stack, &auditor, &order).await;
    tampering_shows(&stack, &auditor, &order, &whole).await;
    stack.end().await;
}

async fn only_auditors_and_admins_may_look(stack: &TestStack, person: &road::Person, order: &str) {
    send(request(stack, Method::GET, &path(order, ""))).await.is_problem(401, "unauthorized");
    let logins = &stack.endpoints.logins;
    let customer = token_of(stack, person).await;
    let designer = token(stack, &logins.designer.email, &logins.designer.password).await;
    for refused in [customer, designer] {
        get(stack, &refused, &path(order, "")).await.is_problem(403, "forbidden");
    }
    let admin = token(stack, &logins.admin.email, &logins.admin.password).await;
    assert_eq!(get(stack, &admin, &path(order, "")).await.status, 200);
    assert_eq!(get(stack, &admin, &path(order, "").replace("/v1", "")).await.status, 200);
}

async fn everything_is_there_and_verified(stack: &TestStack, auditor: &str, order: &str) -> Value {
    let whole = history(stack, auditor, order, "").await;
    let positions: Vec<i64> =
        events(&whole).iter().map(|event| event["position"].as_i64().unwrap()).collect();
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
    assert!(whole.get("state").is_none(), "only with as_of");
    for (aggregate, event) in [
        ("draft", "created"),
        ("draft", "committed"),
        ("order", "placed"),
        ("order", "paid"),
        ("payment", "captured"),
        ("ai_job", "finished"),
    ] {
        assert!(position(&whole, aggregate, event) > 0);
    }
    assert!(events(&whole).iter().all(|event| event["verified"] == true));
    // Nothing of the journal that belongs to these aggregates is left out.
    let ids: Vec<&str> = events(&whole).iter().map(|event| event["aggregateId"].as_str().unwrap()).collect();
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE aggregate_id = ANY($1)")
        .bind(ids)
        .fetch_one(&stack.database.pool)
        .await
        .unwrap();
    assert_eq!(usize::try_from(stored).unwrap(), positions.len());
    whole
}

async fn any_moment_can_be_asked_for(stack: &TestStack, auditor: &str, order: &str, whole: &Value) {
    let paid = position(whole, "order", "paid");
    let before = history(stack, auditor, order, &format!("?as_of={}", paid - 1)).await;
    assert_eq!(before["asOfPosition"], paid - 1);
    assert!(events(&before).iter().all(|event| event["position"].as_i64().unwrap() < paid));
    assert_eq!(state(&before, "order").unwrap()["state"], "awaiting_payment");
    assert_eq!(state(&before, "draft").unwrap()["state"], "committed");
    let after = history(stack, auditor, order, &format!("?as_of={paid}")).await;
    assert_eq!(events(&after).last().unwrap()["position"], paid);
    assert_eq!(state(&after, "order").unwrap()["state"], "paid");
    assert!(state(&after, "order").unwrap()["invoice"].is_null(), "it came later");
    let young = position(whole, "order", "placed") - 1;
    let young = history(stack, auditor, order, &format!("?as_of={young}")).await;
    assert!(state(&young, "order").is_none() && state(&young, "draft").is_some(), "{}", young["state"]);
    // A time is as good as a position: both of one moment show the same.
    let event = events(whole).iter().find(|event| event["position"] == paid).unwrap();
    let time = event["recordedAt"].as_str().unwrap();
    for written in [time.to_owned(), time.replace('Z', "%2B00:00"), time.replace('Z', "+00:00")] {
        let then = history(stack, auditor, order, &format!("?as_of={written}")).await;
        assert!(then["asOfPosition"].as_i64().unwrap() >= paid, "{written}: {}", then["asOfPosition"]);
        assert_eq!(state(&then, "order").unwrap()["state"], "paid");
    }
    let ahead = history(stack, auditor, order, &format!("?as_of={}", i64::MAX)).await;
    let head: i64 =
        sqlx::query_scalar("SELECT max(position) FROM events").fetch_one(&stack.database.pool).await.unwrap();
    let shown = ahead["asOfPosition"].as_i64().unwrap();
    assert!((paid..=head).contains(&shown), "a promise about the time to come: {shown}, head {head}");
    let long_ago = history(stack, auditor, order, "?as_of=2001-01-01T00:00:00Z").await;
    assert_eq!((events(&long_ago).len(), &long_ago["asOfPosition"]), (0, &0.into()));
}

async fn what_cannot_be_asked_is_said(stack: &TestStack, auditor: &str, order: &str) {
    for bad in ["yesterday", "", "2026-11-24", "1.5"] {
        let answer = get(stack, auditor, &path(order, &format!("?as_of={bad}"))).await;
        answer.is_problem(400, "validation_failed");
        assert_eq!(answer.json()["pointers"][0]["pointer"], "/as_of", "{bad}");
    }
    let nobody = "00000000-0000-0000-0000-000000000000";
    get(stack, auditor, &path(nobody, "")).await.is_problem(404, "order_not_found");
    get(stack, auditor, &path("no-id", "")).await.is_problem(400, "validation_failed");
}

async fn tampering_shows(stack: &TestStack, auditor: &str, order: &str, whole: &Value) {
    let placed = position(whole, "order", "placed");
    let mut owner = PgConnection::connect(&stack.database.url).await.unwrap();
    let alter = format!(
        "UPDATE events SET payload = jsonb_set(payload::jsonb, '{{placement,number}}', '\"CP-20200101-00000000\"') \
         WHERE position = {placed}"
    );
    for statement in ["ALTER TABLE events DISABLE TRIGGER events_insert_only", alter.as_str()] {
        sqlx::query(statement).execute(&mut owner).await.unwrap();
    }
    let altered = history(stack, auditor, order, "").await;
    let bad: Vec<&Value> = events(&altered).iter().filter(|event| event["verified"] == false).collect();
    assert_eq!(bad.len(), 1, "the altered event, and no other");
    assert_eq!(bad[0]["position"], placed);
}
