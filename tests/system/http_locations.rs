//! Places are told from the province down to the quarter, in the order of the alphabet, and cached.

use super::http_edge::{Answer, request, send};
use harness::TestStack;
use reqwest::Method;
use serde_json::Value;

async fn ask(stack: &TestStack, path: &str) -> Answer {
    send(request(stack, Method::GET, &format!("/api/v1/locations/{path}"))).await
}

async fn named(stack: &TestStack, path: &str, name: &str) -> Value {
    let list = ask(stack, path).await.json();
    let found = list.as_array().unwrap().iter().find(|place| place["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {list}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn places_lead_from_the_province_to_the_quarter() {
    let stack = TestStack::start().await;
    let provinces = ask(&stack, "provinces").await;
    assert_eq!(provinces.header("cache-control"), "public, max-age=86400");
    // Caches give it to everybody.
    assert_eq!((provinces.header("set-cookie"), provinces.header("ratelimit")), ("", ""));
    let names: Vec<String> = provinces
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((names.len(), &*names[0], &*names[21], &*names[80]), (81, "Adana", "Çanakkale", "Zonguldak"));
    let ankara = named(&stack, "provinces", "Ankara").await;
    assert_eq!((&ankara["id"], &ankara["alpha2Code"]), (&6.into(), &"TR-06".into()));
    let town = named(&stack, "towns?provinceId=6", "Çankaya").await;
    let district = named(&stack, &format!("districts?townId={}", town["id"]), "Çankaya").await;
    let quarter = named(&stack, &format!("quarters?districtId={}", district["id"]), "Kavaklıdere").await;
    assert_eq!((&quarter["districtId"], &quarter["postalCode"]), (&district["id"], &"06680".into()));
    assert_eq!(ask(&stack, "towns?provinceId=82").await.json(), Value::Array(vec![]));
    for (bad, pointer, code) in [
        ("towns", "/provinceId", "required"),
        ("towns?provinceId=x", "/provinceId", "invalid_value"),
        ("districts?townId=-1", "/townId", "invalid_value"),
        ("quarters?districtId=99999999999", "/districtId", "invalid_value"),
    ] {
        let answer = ask(&stack, bad).await;
        answer.is_problem(400, "validation_failed");
        let first = answer.json()["pointers"][0].clone();
        assert_eq!((first["pointer"].as_str(), first["code"].as_str()), (Some(pointer), Some(code)), "{bad}");
    }
    let again = request(&stack, Method::GET, "/api/locations/provinces");
    let again = send(again.header("if-none-match", provinces.header("etag"))).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    stack.end().await;
}
