//! A shop's client that does not give up: it repeats a request under the same `Idempotency-Key` until it is answered.

use harness::eventually_within;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than any outage of a run; whoever waits for this long was forgotten.
const PATIENCE: Duration = Duration::from_mins(3);
const POSITION: &str = "x-journal-position";

/// A command that the service has answered with success: from then on it must be there.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    pub path: String,
    pub position: i64,
    /// What was created.
    pub id: Option<String>,
}

/// What all customers were told, and how often one of them had to ask again.
#[derive(Default)]
pub struct Record {
    pub acknowledged: Mutex<Vec<Acknowledged>>,
    pub repeats: Mutex<u64>,
}

/// An answer that a repeat would not change.
pub struct Refused(String);

pub struct Browser {
    http: Client,
    base: String,
    token: Option<String>,
    csrf: Option<String>,
    position: i64,
    record: Arc<Record>,
}

impl Browser {
    pub fn new(http: Client, base: String, record: Arc<Record>) -> Self {
        Self { http, base, token: None, csrf: None, position: 0, record }
    }

    pub fn log_in(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// A command that the service has no reason to refuse.
    pub async fn post(&mut self, path: &str, body: &Value) -> Value {
        self.try_post(path, body).await.unwrap_or_else(|refused| panic!("{path}: {}", refused.0))
    }

    pub async fn try_post(&mut self, path: &str, body: &Value) -> Result<Value, Refused> {
        let key = uuid::Uuid::new_v4().to_string();
        if self.token.is_none() && self.csrf.is_none() {
            self.csrf = Some(self.get("/csrf").await["token"].as_str().unwrap().to_owned());
        }
        let request = |browser: &Self| {
            let request = browser.request(Method::POST, path).header("idempotency-key", &key).json(body);
            match (&browser.token, &browser.csrf) {
                (None, Some(csrf)) => {
                    request.header("cookie", format!("csrf={csrf}")).header("x-csrf-token", csrf)
                }
                _ => request,
            }
        };
        let (answer, position) = self.until_answered(path, request).await?;
        if let Some(position) = position {
            self.position = position;
            let id = ["/data/id", "/paymentId", "/jobId", "/user/id"];
            let id = id.iter().find_map(|pointer| answer.pointer(pointer)?.as_str());
            let told = Acknowledged { path: path.to_owned(), position, id: id.map(ToOwned::to_owned) };
            self.record.acknowledged.lock().unwrap().push(told);
        }
        Ok(answer)
    }

    /// Sees at least what was last answered to this customer.
    pub async fn get(&mut self, path: &str) -> Value {
        let request = |browser: &Self| {
            let request = browser.request(Method::GET, path);
            if browser.position > 0 { request.query(&[("min_position", browser.position)]) } else { request }
        };
        let answer = self.until_answered(path, request).await;
        answer.unwrap_or_else(|refused| panic!("{path}: {}", refused.0)).0
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn until_answered(
        &self,
        path: &str,
        request: impl Fn(&Self) -> RequestBuilder,
    ) -> Result<(Value, Option<i64>), Refused> {
        let mut tries = 0;
        let answer = eventually_within(PATIENCE, path, async || {
            tries += 1;
            once(request(self)).await
        })
        .await;
        *self.record.repeats.lock().unwrap() += tries - 1;
        answer
    }
}

/// Nothing when it is worth another try: no answer, half an answer, or one that says so.
async fn once(request: RequestBuilder) -> Option<Result<(Value, Option<i64>), Refused>> {
    let answer = request.send().await.ok()?;
    let status = answer.status();
    if status.is_server_error() || status.as_u16() == 429 {
        return None;
    }
    let position = answer.headers().get(POSITION).and_then(|value| value.to_str().ok()?.parse().ok());
    let text = answer.text().await.ok()?;
    if status.is_success() {
        return Some(Ok((serde_json::from_str(&text).ok()?, position)));
    }
    // The pictures are there, and the draft hears of it a moment later: a shop's page would ask again. So it does when
    // a process died with the request.
    if text.contains("\"draft_busy\"") || text.contains("\"idempotency_in_progress\"") {
        return None;
    }
    Some(Err(Refused(format!("{status}: {text}"))))
}
