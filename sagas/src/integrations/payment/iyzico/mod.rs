//! Iyzico's hosted payment page: open it, ask what became of it, cancel the same day.
//!
//! `signature` and `amount` are the two things that must be exact to the byte; `wire` is the JSON,
//! `errors` the codes, `verify` the comparison. A failure is read from the body, not the HTTP status.

use std::time::Duration;

use reqwest::{Client, Method};
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::{CancelOutcome, CheckoutOpened, CheckoutRequest, Expected, Verification};
use crate::integrations::CallError;
use crate::integrations::http::{self, Connections};

mod amount;
mod errors;
mod signature;
mod verify;
mod wire;

use errors::{Group, NEEDS_DAY_END, PAUSE, RATE_LIMIT_PAUSE};
use signature::SecretKey;
use verify::Source;
use wire::{Answer, CancelBody, CheckoutBody, DetailBody, RetrieveBody, text};

const TEST: &str = "/payment/test";
const OPEN: &str = "/payment/iyzipos/checkoutform/initialize/auth/ecom";
const RETRIEVE: &str = "/payment/iyzipos/checkoutform/auth/ecom/detail";
const DETAIL: &str = "/payment/detail";
const CANCEL: &str = "/payment/cancel";
const REPORT: &str = "/v2/reporting/payment/details";

const ANSWER_BYTES_MAX: usize = 1024 * 1024;
const TOKEN_LIFE_SECONDS: u64 = 1800;

#[derive(Debug, Clone)]
pub struct IyzicoConfig {
    pub base_url: Url,
    pub api_key: String,
    pub secret_key: String,
    /// For one whole call. A bank may take over a minute; giving up earlier means "perhaps".
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct Iyzico {
    client: Client,
    base: Url,
    api_key: String,
    secret: SecretKey,
}

impl Iyzico {
    pub fn new(config: IyzicoConfig) -> Result<Self, CallError> {
        if config.api_key.is_empty() || config.secret_key.is_empty() {
            return Err(CallError::misconfigured("iyzico: a key is empty"));
        }
        Ok(Self {
            client: http::client(config.timeout, Connections::Kept)?,
            base: http::checked_base(&config.base_url)?,
            api_key: config.api_key,
            secret: SecretKey::new(config.secret_key),
        })
    }

    /// Proves address and keys without touching anything.
    pub async fn test(&self) -> Result<(), CallError> {
        let answer = self.get(TEST, &[]).await.map_err(CallError::of_a_read)?;
        if answer.succeeded() { Ok(()) } else { Err(refused(&answer, "iyzico test").of_a_read()) }
    }

    /// Asking twice opens two pages for one payment; neither takes money by itself.
    pub async fn open_checkout(&self, request: &CheckoutRequest) -> Result<CheckoutOpened, CallError> {
        let Some(body) = CheckoutBody::of(request) else {
            return Err(CallError::misconfigured("iyzico open: an amount is not above zero"));
        };
        let answer = self.post(OPEN, &body).await?;
        if !answer.succeeded() {
            return Err(refused(&answer, "iyzico open"));
        }
        let signature = answer.signature.as_deref().unwrap_or_default();
        let ours = text(answer.conversation_id.as_ref()) == request.payment_id.to_string();
        if !ours || !self.secret.has_signed(&answer.opening_fields(), signature) {
            return Err(CallError::misconfigured("iyzico open: the answer is not signed for this payment"));
        }
        let page = answer.payment_page_url.as_deref().and_then(|page| page.parse::<Url>().ok());
        let (Some(token), Some(page_url)) = (answer.token.filter(|token| !token.is_empty()), page) else {
            return Err(CallError::misconfigured("iyzico open: no token or no page in the answer"));
        };
        let expires_in = Duration::from_secs(answer.token_expire_time.unwrap_or(TOKEN_LIFE_SECONDS));
        Ok(CheckoutOpened { token, page_url, expires_in })
    }

    /// Asks by the page's token, and by our own id when that says nothing (an expired token, for one).
    pub async fn verify(&self, expected: &Expected) -> Result<Verification, CallError> {
        let body = RetrieveBody {
            locale: "tr",
            conversation_id: expected.payment_id.to_string(),
            token: &expected.token,
        };
        let answer = self.post(RETRIEVE, &body).await.map_err(CallError::of_a_read)?;
        if answer.succeeded() {
            if let Some(verdict) = verify::judge(&self.secret, &answer, expected, Source::Retrieve) {
                return Ok(verdict);
            }
            return self.detail(expected, "").await;
        }
        match errors::group(answer.code()) {
            Group::Access => Err(refused(&answer, "iyzico retrieve")),
            Group::Temporary => Err(CallError::retry(RATE_LIMIT_PAUSE, "iyzico retrieve: rate limit")),
            Group::AnotherCard | Group::SayNothing => Ok(verify::failed(answer.code())),
            Group::Request | Group::Ambiguous | Group::NotFound | Group::Unknown => {
                self.detail(expected, answer.code()).await
            }
        }
    }

    /// `earlier_code` is why the token's answer did not settle it; it names a failure that has no code here.
    async fn detail(&self, expected: &Expected, earlier_code: &str) -> Result<Verification, CallError> {
        let payment = expected.payment_id.to_string();
        let body =
            DetailBody { locale: "tr", conversation_id: payment.clone(), payment_conversation_id: payment };
        let mut answer = self.post(DETAIL, &body).await.map_err(CallError::of_a_read)?;
        if answer.error_code.is_none() && !earlier_code.is_empty() {
            answer.error_code = Some(wire::WireText(earlier_code.to_owned()));
        }
        let failed = text(answer.payment_status.as_ref()) == "FAILURE";
        if answer.succeeded() {
            return verify::judge(&self.secret, &answer, expected, Source::Detail)
                .ok_or_else(|| CallError::retry(PAUSE, "iyzico detail: no payment status"));
        }
        match errors::group(answer.code()) {
            Group::NotFound => Ok(Verification::NotStarted),
            Group::AnotherCard | Group::SayNothing => Ok(verify::failed(answer.code())),
            Group::Unknown | Group::Ambiguous if failed => Ok(verify::failed(answer.code())),
            Group::Access | Group::Request => Err(refused(&answer, "iyzico detail")),
            Group::Temporary => Err(CallError::retry(RATE_LIMIT_PAUSE, "iyzico detail: rate limit")),
            Group::Unknown | Group::Ambiguous => {
                Err(CallError::retry(PAUSE, format!("iyzico detail: code {}", answer.code())))
            }
        }
    }

    /// The whole payment, on its own day; later it is refused with `10223` and a refund is the way.
    ///
    /// Asks the report before and after, since the call itself may have worked without our hearing of it.
    pub async fn cancel(
        &self,
        provider_payment_id: &str,
        conversation: Uuid,
    ) -> Result<CancelOutcome, CallError> {
        // A report that cannot be read stops nothing: the provider refuses a second cancellation.
        if let Ok(Some(done)) = self.cancelled(provider_payment_id).await {
            return Ok(done);
        }
        let body = CancelBody {
            locale: "tr",
            conversation_id: conversation.to_string(),
            payment_id: provider_payment_id,
        };
        let failure = match self.post(CANCEL, &body).await {
            Ok(answer) if answer.succeeded() => return Ok(cancel_outcome(&answer, provider_payment_id)),
            Ok(answer) if answer.code() == NEEDS_DAY_END => {
                CallError::rejected(NEEDS_DAY_END, "iyzico cancel: the bank's day is over")
            }
            Ok(answer) => refused(&answer, "iyzico cancel"),
            Err(error) => error,
        };
        match self.cancelled(provider_payment_id).await {
            Ok(Some(done)) => Ok(done),
            Ok(None) | Err(_) => Err(failure),
        }
    }

    async fn cancelled(&self, provider_payment_id: &str) -> Result<Option<CancelOutcome>, CallError> {
        let query = [("locale", "tr"), ("paymentId", provider_payment_id)];
        let answer = self.get(REPORT, &query).await.map_err(CallError::of_a_read)?;
        let ours = |id: &str| id.is_empty() || id == provider_payment_id;
        let payments = answer.payments.iter().flatten();
        for payment in payments.filter(|payment| ours(text(payment.payment_id.as_ref()))) {
            let worked = |cancel: &&wire::ReportedCancel| {
                let status = cancel.cancel_status.as_ref().or(cancel.refund_status.as_ref());
                matches!(text(status), "" | "1")
            };
            let cancel = payment.cancels.iter().flatten().find(worked);
            let refunded = text(payment.payment_refund_status.as_ref()) == "TOTALLY_REFUNDED";
            if cancel.is_some() || refunded {
                let reference = cancel.and_then(|cancel| {
                    cancel.cancel_host_reference.as_ref().or(cancel.host_reference.as_ref())
                });
                let reference = reference.map_or(provider_payment_id, |reference| reference.0.as_str());
                return Ok(Some(CancelOutcome { reference: reference.to_owned() }));
            }
        }
        Ok(None)
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, CallError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| CallError::misconfigured(format!("iyzico {path}: {error}")))?;
        self.call(Method::POST, path, &[], bytes).await
    }

    /// The query is sent but not signed, and a call without a body signs no body.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, CallError> {
        self.call(Method::GET, path, query, Vec::new()).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, CallError> {
        let what = format!("iyzico {path}");
        let random_key = fresh_key();
        let authorization = self.secret.authorization(&self.api_key, &random_key, path, &body);
        let mut request = self
            .client
            .request(method, http::address(&self.base, path))
            .header("Authorization", authorization)
            .header("x-iyzi-rnd", random_key)
            .header("x-iyzi-client-version", concat!("polikrami-cover-", env!("CARGO_PKG_VERSION")))
            .header("Accept", "application/json");
        if !query.is_empty() {
            request = request.query(query);
        }
        if !body.is_empty() {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let reply = http::exchange(request, ANSWER_BYTES_MAX, &what).await?;
        match serde_json::from_slice::<Answer>(&reply.body) {
            Ok(answer) if matches!(answer.status.as_deref(), Some("success" | "failure")) => Ok(answer),
            Ok(_) | Err(_) => Err(unreadable(&reply, &what)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the protocol wants a text that is new in every request")]
fn fresh_key() -> String {
    Uuid::new_v4().simple().to_string()
}

/// No Iyzico body: something in front of it answered, or it broke in the middle.
fn unreadable(reply: &http::Answer, what: &str) -> CallError {
    match reply.status.as_u16() {
        429 => CallError::retry(RATE_LIMIT_PAUSE, format!("{what}: HTTP 429")),
        300..=407 | 409..=499 => CallError::misconfigured(format!("{what}: {}", reply.excerpt())),
        _ => CallError::ambiguous(PAUSE, format!("{what}: {}", reply.excerpt())),
    }
}

fn refused(answer: &Answer, what: &str) -> CallError {
    errors::refusal(answer.code(), answer.error_message.as_deref().unwrap_or_default(), what)
}

fn cancel_outcome(answer: &Answer, provider_payment_id: &str) -> CancelOutcome {
    let reference = answer.cancel_host_reference.as_ref().or(answer.host_reference.as_ref());
    let reference = reference.map_or(provider_payment_id, |reference| reference.0.as_str());
    CancelOutcome { reference: reference.to_owned() }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod vectors {
    //! Vectors made with the official client; the ones of calls that we do not make are left out.

    use serde_json::Value;

    pub fn of(section: &str) -> Vec<Value> {
        let all: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
        all[section]["vectors"].as_array().unwrap().clone()
    }
}
