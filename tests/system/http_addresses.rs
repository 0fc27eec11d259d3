//! The address book: who sees it, what it takes, and that its rules hold against requests at the same time.

use super::http_edge::{Answer, get, post, request, send, send_until_settled, token_of};
use harness::TestStack;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

const PATH: &str = "/api/v1/addresses";
const LIMIT: usize = 10;

fn home(change: &Value) -> Value {
    let mut body = json!({ "fullName": "Ayşe Yılmaz", "phone": "0532 123 45 67", "line1": "Moda Caddesi 5",
        "city": "İstanbul", "district": "Kadıköy", "postalCode": "34710" });
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

async fn put(stack: &TestStack, token: &str, path: &str, body: &Value) -> Answer {
    send(request(stack, Method::PUT, path).bearer_auth(token).json(body)).await
}

async fn delete(stack: &TestStack, token: &str, path: &str) -> Answer {
    send(request(stack, Method::DELETE, path).bearer_auth(token)).await
}

async fn saved(stack: &TestStack, token: &str, change: &Value) -> Value {
    let answer = post(stack, token, PATH, &home(change)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn all(stack: &TestStack, token: &str) -> Vec<Value> {
    get(stack, token, PATH).await.json()["addresses"].as_array().unwrap().clone()
}

fn path_of(row: &Value) -> String {
    format!("{PATH}/{}", row["id"].as_str().unwrap())
}

/// The id of the one default.
fn default_of(rows: &[Value]) -> &Value {
    let defaults: Vec<&Value> = rows.iter().filter(|row| row["isDefault"] == true).collect();
    assert_eq!(defaults.len(), 1, "{rows:?}");
    assert_eq!(defaults[0], &rows[0], "the default is not the first: {rows:?}");
    &defaults[0]["id"]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_saved_changed_and_removed_by_its_owner_alone() {
    let stack = TestStack::start().await;
    let (one, other) = (stack.customer().await, stack.customer().await);
    let (mine, theirs) = (token_of(&stack, &one).await, token_of(&stack, &other).await);
    get(&stack, &mine, &format!("{PATH}/default")).await.is_problem(404, "address_not_found");
    let row = saved(&stack, &mine, &json!({ "label": "  Ev ", "isDefault": false })).await;
    assert_eq!((&row["label"], &row["phone"]), (&json!("Ev"), &json!("+905321234567")));
    assert_eq!(
        (&row["isDefault"], &row["line2"], &row["country"]),
        (&json!(true), &json!(null), &json!("TR"))
    );
    assert_eq!(get(&stack, &mine, &path_of(&row)).await.json(), row);
    assert_eq!(get(&stack, &mine, "/api/addresses/default").await.json(), row);
    assert_eq!(all(&stack, &mine).await, std::slice::from_ref(&row));
    a_stranger_finds_nothing(&stack, &theirs, &row).await;
    what_was_read_can_be_sent_back(&stack, &mine, &row).await;
    a_change_keeps_what_it_does_not_name(&stack, &mine, &row).await;
    assert_eq!(delete(&stack, &mine, &path_of(&row)).await.status, 204);
    delete(&stack, &mine, &path_of(&row)).await.is_problem(404, "address_not_found");
    assert!(all(&stack, &mine).await.is_empty());
    send(request(&stack, Method::GET, PATH)).await.is_problem(401, "unauthorized");
    get(&stack, &mine, &format!("{PATH}/no-id")).await.is_problem(400, "validation_failed");
    stack.end().await;
}

async fn a_stranger_finds_nothing(stack: &TestStack, theirs: &str, row: &Value) {
    let path = path_of(row);
    get(stack, theirs, &path).await.is_problem(404, "address_not_found");
    put(stack, theirs, &path, &json!({ "label": "x1" })).await.is_problem(404, "address_not_found");
    post(stack, theirs, &format!("{path}/default"), &json!({})).await.is_problem(404, "address_not_found");
    delete(stack, theirs, &path).await.is_problem(404, "address_not_found");
    let draft = post(stack, theirs, "/api/v1/drafts", &json!({ "method": "ai" })).await.json();
    let ship = format!("/api/v1/drafts/{}/shipping/address", draft["data"]["id"].as_str().unwrap());
    let body = json!({ "addressId": row["id"] });
    post(stack, theirs, &ship, &body).await.is_problem(404, "address_not_found");
}

async fn what_was_read_can_be_sent_back(stack: &TestStack, mine: &str, row: &Value) {
    let mut same = put(stack, mine, &path_of(row), row).await.json();
    same["updatedAt"] = row["updatedAt"].clone();
    assert_eq!(&same, row);
    let copy = post(stack, mine, PATH, row).await;
    assert_eq!(copy.status, 201, "{}", copy.text());
    let copy = copy.json();
    assert_ne!(copy["id"], row["id"]);
    assert_eq!(copy["districtName"], row["districtName"]);
    // The copy said that it is the default.
    assert_eq!(default_of(&all(stack, mine).await), &copy["id"]);
    assert_eq!(delete(stack, mine, &path_of(&copy)).await.status, 204);
    assert_eq!(default_of(&all(stack, mine).await), &row["id"]);
}

async fn a_change_keeps_what_it_does_not_name(stack: &TestStack, mine: &str, row: &Value) {
    let path = path_of(row);
    let changed = put(stack, mine, &path, &json!({ "id": row["id"], "district": "Üsküdar" })).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = changed.json();
    assert_eq!((&changed["districtName"], &changed["district"]), (&json!("Üsküdar"), &json!("Üsküdar")));
    assert_eq!((&changed["label"], &changed["isDefault"]), (&json!("Ev"), &json!(true)));
    let cleared =
        put(stack, mine, &path, &json!({ "label": null, "district": null, "postalCode": null })).await;
    let cleared = cleared.json();
    for key in ["label", "district", "districtName", "postalCode"] {
        assert_eq!(cleared[key], Value::Null, "{key}");
    }
    assert_eq!(cleared["fullName"], row["fullName"]);
    // The only address stays the default.
    assert_eq!(put(stack, mine, &path, &json!({ "isDefault": false })).await.json()["isDefault"], true);
    put(stack, mine, &path, &json!({ "line1": "short" })).await.is_problem(400, "validation_failed");
    assert_eq!(get(stack, mine, &path).await.json()["line1"], row["line1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named() {
    let stack = TestStack::start().await;
    let person = stack.customer().await;
    let mine = token_of(&stack, &person).await;
    for (change, pointer, code) in [
        (json!({ "label": " e " }), "/label", "too_short"),
        (json!({ "label": "e".repeat(61) }), "/label", "too_long"),
        (json!({ "fullName": "Al  " }), "/fullName", "too_short"),
        (json!({ "fullName": "Ayşe\nYılmaz" }), "/fullName", "name_invalid"),
        (json!({ "fullName": null }), "/fullName", "required"),
        (json!({ "phone": "0532 123 45 6" }), "/phone", "phone_invalid"),
        (json!({ "phone": "12345" }), "/phone", "too_short"),
        (json!({ "phone": 5_321_234_567_u64 }), "/phone", "invalid_value"),
        (json!({ "line1": "Moda 5     " }), "/line1", "too_short"),
        (json!({ "line1": "Moda Caddesi\u{0}5" }), "/line1", "invalid_value"),
        (json!({ "line2": "x".repeat(201) }), "/line2", "too_long"),
        (json!({ "city": "Kadıköy" }), "/city", "province_unknown"),
        (json!({ "city": "" }), "/city", "required"),
        (json!({ "district": "K" }), "/district", "too_short"),
        (json!({ "district": "Kadıköy", "districtName": "Moda" }), "/district", "values_differ"),
        (json!({ "postalCode": "3471" }), "/postalCode", "postal_code_invalid"),
        (json!({ "country": "XX" }), "/country", "country_unknown"),
        (json!({ "isDefault": "yes" }), "/isDefault", "invalid_value"),
        (json!({ "provinceId": 6 }), "/provinceId", "place_mismatch"),
        (json!({ "townId": 1 }), "/townId", "place_mismatch"),
        (json!({ "districtId": 2_147_483_648_u64 }), "/districtId", "invalid_value"),
        (json!({ "quarterId": 1.5 }), "/quarterId", "invalid_value"),
    ] {
        let answer = post(&stack, &mine, PATH, &home(&change)).await;
        answer.is_problem(400, "validation_failed");
        let first = answer.json()["pointers"][0].clone();
        assert_eq!((&first["pointer"], &first["code"]), (&json!(pointer), &json!(code)), "{change}");
    }
    let unknown = post(&stack, &mine, PATH, &home(&json!({ "state": "x" }))).await;
    unknown.is_problem(400, "unknown_field");
    assert_eq!(unknown.json()["field"], "state");
    let abroad =
        json!({ "country": "de", "city": "Berlin", "postalCode": "10115", "phone": "+49 30 1234567" });
    let abroad = saved(&stack, &mine, &abroad).await;
    assert_eq!((&abroad["country"], &abroad["phone"]), (&json!("DE"), &json!("+49301234567")));
    let named = saved(&stack, &mine, &json!({ "fullName": "Jean-Luc O'Neill Jr.", "city": "HAKKARİ" })).await;
    assert_eq!(named["city"], "Hakkâri");
    a_draft_takes_a_saved_address_as_text(&stack, &mine, &abroad).await;
    stack.end().await;
}

async fn a_draft_takes_a_saved_address_as_text(stack: &TestStack, mine: &str, abroad: &Value) {
    let draft = post(stack, mine, "/api/v1/drafts", &json!({ "method": "ai" })).await.json();
    let ship = format!("/api/v1/drafts/{}/shipping/address", draft["data"]["id"].as_str().unwrap());
    let refused = post(stack, mine, &ship, &json!({ "addressId": abroad["id"] })).await;
    refused.is_problem(400, "validation_failed");
    assert_eq!(refused.json()["pointers"][0]["code"], "address_abroad");
    let row = saved(stack, mine, &json!({ "line2": "Daire 3" })).await;
    let chosen = post(stack, mine, &ship, &json!({ "addressId": row["id"] })).await;
    assert_eq!(chosen.status, 200, "{}", chosen.text());
    let shipping = chosen.json()["data"]["shipping"].clone();
    assert_eq!((&shipping["receiverName"], &shipping["senderName"]), (&row["fullName"], &row["fullName"]));
    assert_eq!(shipping["address"], "Moda Caddesi 5 Daire 3");
    put(stack, mine, &path_of(&row), &json!({ "line1": "Bahariye Caddesi 7" })).await;
    delete(stack, mine, &path_of(&row)).await;
    let path = format!("/api/v1/drafts/{}", draft["data"]["id"].as_str().unwrap());
    let later = format!("{path}?min_position={}", chosen.header("x-journal-position"));
    assert_eq!(get(stack, mine, &later).await.json()["data"]["shipping"], shipping);
    post(stack, mine, &ship, &json!({ "addressId": row["id"] })).await.is_problem(404, "address_not_found");
}

/// Sends all at once, and answers the statuses.
async fn at_once(requests: Vec<reqwest::RequestBuilder>) -> Vec<u16> {
    let mut running = JoinSet::new();
    for request in requests {
        running.spawn(async move { send_until_settled(request).await.status });
    }
    running.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_and_default_hold_against_many_at_once() {
    let stack = TestStack::start().await;
    let person = stack.customer().await;
    let mine = token_of(&stack, &person).await;
    let create = |_: usize| {
        request(&stack, Method::POST, PATH).bearer_auth(&mine).json(&home(&json!({ "isDefault": true })))
    };
    let statuses = at_once((0..LIMIT + 8).map(create).collect()).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), LIMIT, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 8, "{statuses:?}");
    let full = post(&stack, &mine, PATH, &home(&json!({}))).await;
    full.is_problem(400, "address_limit_reached");
    assert_eq!(full.json()["max"], LIMIT);
    let rows = all(&stack, &mine).await;
    assert_eq!(rows.len(), LIMIT);
    default_of(&rows);
    let choose =
        |row: &Value| request(&stack, Method::POST, &format!("{}/default", path_of(row))).bearer_auth(&mine);
    let statuses = at_once(rows.iter().map(choose).collect()).await;
    assert_eq!(statuses.iter().copied().collect::<BTreeSet<_>>(), [200].into());
    default_of(&all(&stack, &mine).await);
    the_default_moves_to_the_newest(&stack, &mine).await;
    let rows = all(&stack, &mine).await;
    let remove = |row: &Value| request(&stack, Method::DELETE, &path_of(row)).bearer_auth(&mine);
    let statuses = at_once(rows[1..].iter().chain(&rows[..1]).map(remove).collect()).await;
    assert_eq!(statuses.iter().copied().collect::<BTreeSet<_>>(), [204].into());
    a_repeat_finds_the_first(&stack, &mine).await;
    stack.end().await;
}

async fn the_default_moves_to_the_newest(stack: &TestStack, mine: &str) {
    let rows = all(stack, mine).await;
    let times: Vec<&str> = rows[1..].iter().map(|row| row["createdAt"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "{times:?}");
    let newest = rows[1]["id"].clone();
    let unset = put(stack, mine, &path_of(&rows[0]), &json!({ "isDefault": false })).await;
    assert_eq!(unset.json()["isDefault"], false, "{}", unset.text());
    let rows = all(stack, mine).await;
    assert_eq!(default_of(&rows), &newest);
    let next = rows[1]["id"].clone();
    assert_eq!(delete(stack, mine, &path_of(&rows[0])).await.status, 204);
    let rows = all(stack, mine).await;
    assert_eq!(default_of(&rows), &next);
    // A change that does not speak of the default leaves it alone.
    put(stack, mine, &path_of(&rows[0]), &json!({ "label": "Ev" })).await;
    put(stack, mine, &path_of(&rows[2]), &json!({ "label": "İş", "isDefault": false })).await;
    assert_eq!(default_of(&all(stack, mine).await), &next);
}

async fn a_repeat_finds_the_first(stack: &TestStack, mine: &str) {
    assert!(all(stack, mine).await.is_empty());
    let create = |change: &Value| {
        let create = request(stack, Method::POST, PATH).bearer_auth(mine).json(&home(change));
        create.header("idempotency-key", "the first home")
    };
    let same = json!({ "label": "Ev" });
    let statuses = at_once((0..4).map(|_| create(&same)).collect()).await;
    assert_eq!(statuses, [201; 4]);
    let rows = all(stack, mine).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(send(create(&same)).await.json(), rows[0]);
    send(create(&json!({ "label": "İş" }))).await.is_problem(409, "idempotency_key_reused");
}
