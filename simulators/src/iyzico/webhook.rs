//! The notification about a finished page. The provider waits minutes between tries; we don't.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;
use url::Url;

use super::ledger::Checkout;
use super::{Iyzico, signature};
use crate::world;

const EVENT: &str = "CHECKOUT_FORM_AUTH";
const TRIES: usize = 3;
const PAUSE_MS_DEFAULT: u64 = 200;
const ANSWER_WAIT: Duration = Duration::from_secs(5);
const MERCHANT_ID: u64 = 3_404_590;

/// Where notifications go, and what became of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Plain http only; nothing is sent without one.
    pub url: Option<String>,
    /// Before the first try and between tries.
    pub pause_ms: Option<u64>,
    /// One entry for each try; ignored on input.
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
}

/// One try.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Of the checkout.
    pub token: String,
    /// What the receiver answered, or nothing.
    pub http_status: Option<u16>,
}

#[derive(Default)]
pub(super) struct Webhooks(Mutex<Settings>);

impl Webhooks {
    pub(super) fn settings(&self) -> Settings {
        self.lock().clone()
    }

    pub(super) fn set(&self, settings: Settings) {
        *self.lock() = Settings { deliveries: Vec::new(), ..settings };
    }

    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends in the background, up to three times until a 2xx. Answers whether there is something to send.
pub(super) fn announce(provider: &Arc<Iyzico>, checkout: &Checkout) -> bool {
    let settings = provider.webhooks.settings();
    let target = settings.url.as_deref().and_then(|url| Url::parse(url).ok());
    let (Some(url), Some(body)) = (target, body(provider, checkout)) else { return false };
    let (provider, token) = (Arc::clone(provider), checkout.token.clone());
    let pause = Duration::from_millis(settings.pause_ms.unwrap_or(PAUSE_MS_DEFAULT));
    TaskTracker::new().spawn(async move {
        for _ in 0..TRIES {
            tokio::time::sleep(pause).await;
            let sent = tokio::time::timeout(ANSWER_WAIT, post(&url, &body.0, &body.1)).await;
            let http_status = sent.ok().and_then(Result::ok);
            provider.webhooks.lock().deliveries.push(Delivery { token: token.clone(), http_status });
            if http_status.is_some_and(|status| (200..300).contains(&status)) {
                return;
            }
        }
    });
    true
}

/// The body and its signature; a page without a card has nothing to tell.
fn body(provider: &Iyzico, checkout: &Checkout) -> Option<(String, String)> {
    let payment = checkout.payment.as_ref()?;
    let conversation = checkout.conversation_id.as_deref().unwrap_or_default();
    let (status, key) = (payment.status.name(), provider.secret_key.as_str());
    let signature = signature::of_webhook(key, EVENT, &payment.id, &checkout.token, conversation, status);
    let body = json!({
        "paymentConversationId": conversation,
        "merchantId": MERCHANT_ID,
        "status": status,
        "token": checkout.token,
        "iyziReferenceCode": world::new_uuid(),
        "iyziEventType": EVENT,
        "iyziEventTime": world::now_ms(),
        "iyziPaymentId": payment.id.parse::<u64>().map_or(Value::Null, Value::from),
    });
    Some((body.to_string(), signature))
}

/// One POST over HTTP/1.1; the simulators have no HTTP client otherwise.
async fn post(url: &Url, body: &str, signature: &str) -> io::Result<u16> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = url.path();
    let request = format!(
        "POST {path}{query} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n\
         X-IYZ-SIGNATURE-V3: {signature}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(request.as_bytes()).await?;
    // "HTTP/1.1 204": all that matters is in the first twelve bytes.
    let mut line = [0; 12];
    stream.read_exact(&mut line).await?;
    let code = std::str::from_utf8(&line[9..]).ok().and_then(|code| code.parse().ok());
    code.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
