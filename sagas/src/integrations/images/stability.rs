//! Stability AI, `core`: one picture per call, in the reply, charged when it succeeds.
//!
//! A reply that is lost is a charge that is lost: there is no look-up and no idempotency key. So calls
//! have a connection and a long limit of their own, and what is unclear is said to be ambiguous.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::multipart::Form;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::{GenerateRequest, Generated};
use crate::integrations::CallError;
use crate::integrations::http::{self, Answer, Connections};

const GENERATE: &str = "/v2beta/stable-image/generate/core";
const BALANCE: &str = "/v1/user/balance";
const PICTURE_BYTES_MAX: usize = 16 * 1024 * 1024;
const BALANCE_BYTES_MAX: usize = 64 * 1024;
const PROMPT_CHARS_MAX: usize = 10_000;
/// The provider's limit is 150 in 10 s for the whole account, and a minute's lock for going over it.
const CALLS_PER_SECOND: u32 = 10;
const CALLS_BURST: u32 = 20;
const LOCKED_OUT: Duration = Duration::from_mins(1);
const FAULT_PAUSE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct StabilityConfig {
    pub base_url: Url,
    pub api_key: String,
    /// For one whole call; 60–120 s is cheaper than paying twice.
    pub timeout: Duration,
    /// Our application's name.
    pub client_id: String,
}

#[derive(Clone)]
pub struct Stability {
    client: Client,
    base: Url,
    api_key: String,
    client_id: String,
    pace: Arc<Pace>,
}

struct Pace {
    limiter: DefaultDirectRateLimiter,
    locked_until: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Balance {
    /// One credit is 0.01 USD; the provider counts them in a float.
    pub credits: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    name: String,
    errors: Vec<String>,
}

impl Stability {
    pub fn new(config: StabilityConfig) -> Result<Self, CallError> {
        let (Some(rate), Some(burst)) =
            (std::num::NonZero::new(CALLS_PER_SECOND), std::num::NonZero::new(CALLS_BURST))
        else {
            return Err(CallError::misconfigured("stability: no calls allowed"));
        };
        let limiter = RateLimiter::direct(Quota::per_second(rate).allow_burst(burst));
        Ok(Self {
            client: http::client(config.timeout, Connections::OnePerCall)?,
            base: http::checked_base(&config.base_url)?,
            api_key: config.api_key,
            client_id: config.client_id,
            pace: Arc::new(Pace { limiter, locked_until: Mutex::default() }),
        })
    }

    /// The bytes are what was sent: decode them before calling it a picture, and store them first.
    pub async fn generate(&self, request: &GenerateRequest) -> Result<Generated, CallError> {
        let chars = request.prompt.chars().count();
        if request.prompt.trim().is_empty() || chars > PROMPT_CHARS_MAX {
            return Err(CallError::rejected("prompt_length", format!("stability: {chars} characters")));
        }
        self.pace.wait().await?;
        let seed = explicit(request.seed);
        let call = self
            .client
            .post(http::address(&self.base, GENERATE))
            .header("accept", "image/*")
            .header("stability-client-user-id", &request.end_user)
            .multipart(form(request, seed));
        let answer = http::exchange(self.signed(call), PICTURE_BYTES_MAX, "stability generate").await?;
        if answer.status == StatusCode::OK { picture(answer, seed) } else { Err(self.refusal(&answer)) }
    }

    /// Free of charge: proves key and address. Not more often than once a minute.
    pub async fn balance(&self) -> Result<Balance, CallError> {
        let call = self.client.get(http::address(&self.base, BALANCE));
        let answer = http::exchange(self.signed(call), BALANCE_BYTES_MAX, "stability balance").await;
        let answer = answer.map_err(CallError::of_a_read)?;
        if answer.status != StatusCode::OK {
            return Err(self.refusal(&answer).of_a_read());
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| CallError::retry(FAULT_PAUSE, "stability balance: unreadable").because(error))
    }

    fn signed(&self, call: RequestBuilder) -> RequestBuilder {
        call.bearer_auth(&self.api_key)
            .header("stability-client-id", &self.client_id)
            .header("stability-client-version", env!("CARGO_PKG_VERSION"))
    }

    /// Branches on the status; the name differs between versions and is for the reader.
    fn refusal(&self, answer: &Answer) -> CallError {
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        let status = answer.status.as_u16();
        let said = format!("stability: HTTP {status} {} {}", body.name, body.errors.join("; "));
        match status {
            403 => CallError::rejected("content_moderation", said),
            413 => CallError::rejected("payload_too_large", said),
            422 => CallError::rejected("unprocessable", said),
            429 => {
                self.pace.lock_out();
                CallError::retry(LOCKED_OUT, said)
            }
            // The provider's word is that failures are free.
            500 => CallError::retry(FAULT_PAUSE, said),
            408 | 501..=599 => CallError::ambiguous(FAULT_PAUSE, format!("stability: {}", answer.excerpt())),
            _ => CallError::misconfigured(format!("stability: {}", answer.excerpt())),
        }
    }
}

impl Pace {
    /// Waits for its turn, or says how long the account is locked: no call is sent into a lock-out.
    async fn wait(&self) -> Result<(), CallError> {
        self.check()?;
        self.limiter.until_ready().await;
        self.check()
    }

    fn check(&self) -> Result<(), CallError> {
        let locked_until = *self.locked_until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = locked_until.map(|until| until.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => Err(CallError::retry(left, "stability: locked out for calling too often")),
            None => Ok(()),
        }
    }

    fn lock_out(&self) {
        let mut locked_until = self.locked_until.lock().unwrap_or_else(PoisonError::into_inner);
        *locked_until = Some(Instant::now() + LOCKED_OUT);
    }
}

/// 0 would mean "any", and the last number is out of bounds.
fn explicit(seed: u32) -> u32 {
    match seed {
        0 | u32::MAX => 1,
        seed => seed,
    }
}

fn form(request: &GenerateRequest, seed: u32) -> Form {
    let mut form = Form::new()
        .text("prompt", request.prompt.clone())
        .text("aspect_ratio", request.aspect_ratio.as_str())
        .text("seed", seed.to_string())
        .text("output_format", "png");
    if let Some(negative) = request.negative_prompt.as_ref().filter(|text| !text.trim().is_empty()) {
        form = form.text("negative_prompt", negative.clone());
    }
    if let Some(style) = request.style {
        form = form.text("style_preset", style.as_str());
    }
    form
}

/// A 200 alone proves nothing: filtered pictures come blurred, and a gateway may answer in its place.
fn picture(answer: Answer, asked_seed: u32) -> Result<Generated, CallError> {
    let kind = answer.header("content-type").unwrap_or_default();
    let is_picture = kind.split(';').next().is_some_and(|kind| kind.trim().starts_with("image/"));
    if !is_picture || answer.body.is_empty() {
        return Err(CallError::ambiguous(FAULT_PAUSE, format!("stability: 200 with {kind:?}, no picture")));
    }
    match answer.header("finish-reason") {
        Some("SUCCESS") => {}
        Some("CONTENT_FILTERED") => {
            return Err(CallError::rejected("content_filtered", "stability: blurred by the output filter"));
        }
        other => {
            return Err(CallError::rejected("unknown_finish", format!("stability: finish-reason {other:?}")));
        }
    }
    let seed = answer.header("seed").and_then(|seed| seed.parse().ok()).unwrap_or(asked_seed);
    let request_id = answer.header("x-request-id").map(ToOwned::to_owned);
    Ok(Generated { bytes: answer.body, seed, request_id })
}

#[cfg(test)]
#[path = "stability_tests.rs"]
mod tests;
