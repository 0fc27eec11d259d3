//! The provider's three signatures: of requests, of answers, of webhooks. All are HMAC-SHA256 in hex.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Why a request was not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// No header, another scheme, or a signature over other bytes.
    Signature,
    /// A key of nobody, or of the other environment.
    Key,
}

pub(crate) fn hmac_hex(secret_key: &str, parts: &[&[u8]]) -> String {
    // HMAC takes keys of any length; the error of this constructor cannot occur.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret_key.as_bytes()) else {
        return String::new();
    };
    for part in parts {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}

/// Checks `IYZWSv2 <base64>` over the random key, the path without its query, and the raw body.
pub(crate) fn check_request(
    header: Option<&str>,
    path: &str,
    body: &[u8],
    api_key: &str,
    secret_key: &str,
) -> Result<(), Stranger> {
    let decoded = header
        .and_then(|header| header.strip_prefix("IYZWSv2 "))
        .and_then(|credentials| STANDARD.decode(credentials.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(Stranger::Signature)?;
    let (key, rest) = decoded
        .strip_prefix("apiKey:")
        .and_then(|rest| rest.split_once("&randomKey:"))
        .ok_or(Stranger::Signature)?;
    if key != api_key {
        return Err(Stranger::Key);
    }
    let (random, signature) = rest.rsplit_once("&signature:").ok_or(Stranger::Signature)?;
    let expected = hmac_hex(secret_key, &[random.as_bytes(), path.as_bytes(), body]);
    if bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
        Ok(())
    } else {
        Err(Stranger::Signature)
    }
}

/// The `signature` field over the named fields of an answer, joined with colons.
pub(crate) fn of_answer(secret_key: &str, answer: &Map<String, Value>, fields: &[&str]) -> String {
    let texts: Vec<String> = fields.iter().map(|field| signed_form(answer.get(*field))).collect();
    hmac_hex(secret_key, &[texts.join(":").as_bytes()])
}

/// An absent field is empty text; an amount loses its trailing zeros and its trailing dot.
fn signed_form(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => {
            let text = number.to_string();
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
        Some(other) => other.to_string(),
    }
}

/// `X-IYZ-SIGNATURE-V3` of a notification about a hosted page.
pub(crate) fn of_webhook(
    secret_key: &str,
    event_type: &str,
    payment_id: &str,
    token: &str,
    conversation_id: &str,
    status: &str,
) -> String {
    let parts = [secret_key, event_type, payment_id, token, conversation_id, status];
    hmac_hex(secret_key, &parts.map(str::as_bytes))
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
