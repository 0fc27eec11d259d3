//! The shop's API as a frontend uses it: JSON in and out, Bearer token, positions carried from write to read.

use super::DemoError;
use api::Chance;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(100);
const POSITION: &str = "x-journal-position";

pub struct Shop {
    client: Client,
    base: Url,
    token: Option<String>,
    /// Double submit for requests without a login: cookie and header must be the same.
    csrf: Option<String>,
    /// The position of our last write: reads wait for it.
    position: Option<String>,
}

impl Shop {
    pub fn new(client: Client, base: Url) -> Self {
        Self { client, base, token: None, csrf: None, position: None }
    }

    #[must_use]
    pub fn with_token(&self, token: String) -> Self {
        let (client, base) = (self.client.clone(), self.base.clone());
        Self { client, base, token: Some(token), csrf: None, position: None }
    }

    pub fn log_in(&mut self, token: String) {
        self.token = Some(token);
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Result<Value, DemoError> {
        let key = Chance.id().to_string();
        let mut request = self.request(Method::POST, path)?.header("idempotency-key", key).json(body);
        if self.token.is_none() {
            let csrf = self.csrf().await?;
            request = request.header("cookie", format!("csrf={csrf}")).header("x-csrf-token", csrf);
        }
        self.answer(request, path).await
    }

    pub async fn get(&mut self, path: &str) -> Result<Value, DemoError> {
        let mut request = self.request(Method::GET, path)?;
        if let Some(position) = &self.position {
            request = request.query(&[("min_position", position)]);
        }
        self.answer(request, path).await
    }

    pub async fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, DemoError> {
        let answer = self.request(Method::GET, path)?.send().await?;
        if matches!(answer.status().as_u16(), 404 | 409) {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.bytes().await?.to_vec()))
    }

    /// Asks again until `ready` finds what it looks for.
    pub async fn wait_for<T>(
        &mut self,
        what: &str,
        path: &str,
        limit: Duration,
        ready: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, DemoError> {
        let deadline = Instant::now() + limit;
        loop {
            let answer = self.get(path).await?;
            if let Some(found) = ready(&answer) {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                return Err(DemoError::unexpected(format!(
                    "{what} did not happen within {limit:?}: {answer}"
                )));
            }
            sleep(POLL).await;
        }
    }

    async fn csrf(&mut self) -> Result<String, DemoError> {
        if let Some(known) = &self.csrf {
            return Ok(known.clone());
        }
        let answer: Value =
            self.request(Method::GET, "/csrf")?.send().await?.error_for_status()?.json().await?;
        let token =
            answer["token"].as_str().ok_or_else(|| DemoError::unexpected("/csrf answered no token"))?;
        self.csrf = Some(token.to_owned());
        Ok(token.to_owned())
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, DemoError> {
        let url = self.base.join(path).map_err(|_| DemoError::unexpected(format!("{path} is no path")))?;
        let request = self.client.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn answer(&mut self, request: RequestBuilder, path: &str) -> Result<Value, DemoError> {
        let answer = request.send().await?;
        let status = answer.status();
        if let Some(position) = answer.headers().get(POSITION).and_then(|value| value.to_str().ok()) {
            self.position = Some(position.to_owned());
        }
        let text = answer.text().await?;
        if !status.is_success() {
            return Err(DemoError::unexpected(format!("{path} answered {status}: {text}")));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
