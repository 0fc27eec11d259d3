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
    let kept: (Value, Value) =
        sqlx::query_as("SELECT payload, metadata FROM events WHERE event_type = 'role_granted'")
            .fetch_one(&process.database.pool)
            .await
            .unwrap();
    assert_eq!(kept.0["reason"], "runs the shop");
    assert_eq!(kept.1["actor"], "operator:Işıl");
}
