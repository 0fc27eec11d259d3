//! Twilio's Messages API: one form, one message, charged when it is taken.
//!
//! There is no idempotency key: a repeat after an unclear answer is a second message with the same code. What the
//! provider says about an error repeats the number, so nothing of its words is kept, only its code.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;

use super::{Accepted, OutgoingText};
use crate::integrations::CallError;
use crate::integrations::http::{self, Answer, Connections};

const ANSWER_BYTES_MAX: usize = 64 * 1024;
const FAULT_PAUSE: Duration = Duration::from_secs(15);
const BUSY_PAUSE: Duration = Duration::from_secs(30);
/// Codes of refusals that come from the number, not from us: no number, no mobile phone, unreachable from this sender,
/// a country that the account does not send to, a person who has answered STOP.
const ABOUT_THE_NUMBER: [u32; 8] = [21211, 21214, 21217, 21408, 21610, 21612, 21614, 21635];
/// The sender's queue is full.
const QUEUE_FULL: u32 = 21611;

#[derive(Clone)]
pub struct TwilioConfig {
    pub base_url: Url,
    pub account_sid: String,
    pub auth_token: String,
    /// A number of ours in E.164, or a sender's name.
    pub from: String,
    pub timeout: Duration,
}

#[derive(Clone)]
pub struct Twilio {
    client: Client,
    address: String,
    account_sid: String,
    auth_token: String,
    from: String,
}

#[derive(Deserialize)]
struct Message {
    sid: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: u32,
}

impl Twilio {
    pub fn new(config: TwilioConfig) -> Result<Self, CallError> {
        let base = http::checked_base(&config.base_url)?;
        if !config.account_sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(CallError::misconfigured("twilio: the account's SID has other characters"));
        }
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", config.account_sid);
        Ok(Self {
            client: http::client(config.timeout, Connections::OnePerCall)?,
            address: http::address(&base, &path),
            account_sid: config.account_sid,
            auth_token: config.auth_token,
            from: config.from,
        })
    }

    /// Taken is not delivered: that the phone shows it, nobody here learns.
    pub async fn send(&self, text: &OutgoingText) -> Result<Accepted, CallError> {
        let form = [("To", text.to.as_str()), ("From", &self.from), ("Body", &text.body)];
        let call = self
            .client
            .post(&self.address)
            .basic_auth(&self.account_sid, Some(&self.auth_token))
            .header("accept", "application/json")
            .form(&form);
        let answer = http::exchange(call, ANSWER_BYTES_MAX, "twilio message").await?;
        if answer.status != StatusCode::CREATED {
            return Err(refusal(&answer));
        }
        let message: Message = serde_json::from_slice(&answer.body)
            .map_err(|_| CallError::ambiguous(FAULT_PAUSE, "twilio: 201 without a message"))?;
        Ok(Accepted { id: message.sid })
    }
}

/// Branches on the status, and on the provider's code where the status says too little.
fn refusal(answer: &Answer) -> CallError {
    let ErrorBody { code } = serde_json::from_slice(&answer.body).unwrap_or_default();
    let status = answer.status.as_u16();
    let said = format!("twilio: HTTP {status}, code {code}");
    match (status, code) {
        (429, _) | (_, QUEUE_FULL) => CallError::retry(pause(answer), said),
        (400, code) if ABOUT_THE_NUMBER.contains(&code) => {
            CallError::rejected(format!("twilio_{code}"), said)
        }
        (408 | 500..=599, _) => CallError::ambiguous(FAULT_PAUSE, said),
        _ => CallError::misconfigured(said),
    }
}

fn pause(answer: &Answer) -> Duration {
    let seconds = answer.header(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
    seconds.map_or(BUSY_PAUSE, Duration::from_secs)
}

#[cfg(test)]
#[path = "twilio_tests.rs"]
mod tests;
