//! `polikrami users`, as an operator calls it.

use super::http_edge::{Answer, PASSWORD, send};
use harness::serve::ServeProcess;
use reqwest::Client;
use serde_json::{Value, json};

const EMAIL: &str = "ece@example.com";

struct Shop<'a> {
    process: &'a ServeProcess,
    client: Client,
}

impl Shop<'_> {
    async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.client.post(format!("http://{}/api/v1{path}", self.process.address)).json(body)).await
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        send(self.client.get(format!("http://{}/api/v1{path}", self.process.address)).bearer_auth(token))
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_registers_and_is_made_one_by_an_operator() {
    let process = ServeProcess::start(&[]).await;
    let shop = Shop { process: &process, client: app::demo::client().unwrap() };
    let grant = async |email: &str, role: &str, by: &str| {
        process.polikrami(&["users", "grant", email, role, "--by", by, "--reason", "runs the shop"]).await
    };
    let (done, said) = grant(EMAIL, "admin", "Işıl").await;
    assert!(!done && said.contains("no account has this address"), "{said}");
    let body = json!({ "email": EMAIL, "password": PASSWORD, "confirmPassword": PASSWORD,
        "acceptTerms": true, "acceptPrivacy": true });
    assert_eq!(shop.post("/auth/register", &body).await.status, 201);
    let session = shop.post("/auth/login", &json!({ "email": EMAIL, "password": PASSWORD })).await.json();
    let customer = session["accessToken"].as_str().unwrap();
    shop.get("/audit/security-events", customer).await.is_problem(403, "forbidden");

    assert!(!grant(EMAIL, "owner", "Işıl").await.0, "there is no such role");
    assert!(!grant(EMAIL, "admin", "  ").await.0, "nobody did it");
    let (done, said) = grant("ECE@example.com", "admin", "Işıl").await;
    assert!(done && said.contains("so far customer, is admin"), "{said}");
    let (done, said) = grant(EMAIL, "admin", "Işıl").await;
    assert!(done && said.contains("is admin already"), "{said}");

    let token = json!({ "refreshToken": session["refreshToken"] });
    let renewed = shop.post("/auth/refresh", &token).await.json();
    let admin = renewed["accessToken"].as_str().unwrap();
    let seen = shop.get("/audit/security-events?kind=role_granted", admin).await.json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(shop.get("/users/me", admin).await.json()["data"]["role"], "admin");
    // Who did it and why stands in the account's history, under the same request.
    let account = seen["items"][0]["accountId"].as_str().unwrap();
    let path = format!("/audit/accounts/{account}/history?as_of=2100-01-01T00:00:00Z");
    let history = shop.get(&path, admin).await.json();
    let events = history["events"].as_array().unwrap();
    let granted = events.iter().find(|event| event["eventType"] == "role_granted").unwrap();
    assert_eq!(
        (&granted["payload"]["reason"], &granted["verified"]),
        (&json!("runs the shop"), &json!(true))
    );
    assert_eq!(granted["metadata"]["actor"], "operator:Işıl");
    assert_eq!(granted["metadata"]["correlation_id"], seen["items"][0]["requestId"]);
    assert_eq!(history["accountId"], account);
    let nobody = "/audit/accounts/00000000-0000-0000-0000-000000000000/history";
    shop.get(nobody, admin).await.is_problem(404, "account_not_found");
    assert!(history["state"][0]["state"].is_object(), "{}", history["state"]);
}
