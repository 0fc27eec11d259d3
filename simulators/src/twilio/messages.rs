//! `POST /2010-04-01/Accounts/{sid}/Messages.json`: checked, kept, answered.

use std::io;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Twilio;
use super::fault::{Call, Fault};
use super::ledger::{Change, Message};
use super::refusal::Refusal;
use crate::faults::Fired;
use crate::running::Peer;
use crate::{wire, world};

const BODY_CHARS_MAX: usize = 1_600;
const CUT_BODY_KEEP_PERCENT: usize = 50;
/// Numbers that the provider has for trying out its refusals.
const MAGIC: [(&str, u32, &str); 4] = [
    ("+15005550001", 21211, "is not a valid phone number"),
    ("+15005550003", 21408, "is in a region that you may not send to"),
    ("+15005550004", 21610, "has unsubscribed"),
    ("+15005550009", 21614, "is not a mobile number"),
];
/// Characters of GSM 03.38 that ASCII has as well; any other letter makes the whole text UCS-2.
const GSM_PUNCTUATION: &str = "\n\r @$_!\"#%&'()*+,-./:;<=>?";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wish {
    #[serde(default)]
    to: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    body: String,
}

pub(super) async fn create(
    State(provider): State<Arc<Twilio>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Form(wish): Form<Wish>,
) -> Response {
    match answer(&provider, &peer, &account, &headers, wish).await {
        Ok(response) => response,
        Err(error) => wire::unwritable(&error),
    }
}

async fn answer(
    provider: &Twilio,
    peer: &Peer,
    account: &str,
    headers: &HeaderMap,
    wish: Wish,
) -> io::Result<Response> {
    provider.store.commit(|_| (vec![Change::Called(Call::Message)], ()))?;
    let struck = provider.faults.strike(Call::Message);
    if let Some(fired) = struck.as_ref().filter(|fired| fired.fault.prevents()) {
        return Ok(prevented(fired, peer).await);
    }
    let checked = provider.authorize(headers, account).and_then(|()| wish.check(&provider.from));
    if let Err(refusal) = checked {
        return Ok(refusal.into_response());
    }
    let message = wish.into_message();
    provider.store.commit(|_| (vec![Change::Sent(message.clone())], ()))?;
    let response = (StatusCode::CREATED, Json(shown(&message, account))).into_response();
    Ok(match struck {
        Some(fired) => spoilt(&fired, peer, response).await,
        None => response,
    })
}

impl Wish {
    fn check(&self, sender: &str) -> Result<(), Refusal> {
        if self.to.is_empty() {
            return Err(Refusal::bad(21604, "A 'To' phone number is required."));
        }
        if self.body.is_empty() {
            return Err(Refusal::bad(21602, "Message body is required."));
        }
        if self.body.chars().count() > BODY_CHARS_MAX {
            return Err(Refusal::bad(
                21617,
                "The concatenated message body exceeds the 1600 character limit",
            ));
        }
        if self.from != sender {
            return Err(Refusal::bad(21606, format!("The 'From' phone number {} is not yours.", self.from)));
        }
        if let Some((_, code, words)) = MAGIC.iter().find(|(number, _, _)| *number == self.to) {
            return Err(Refusal::bad(*code, format!("The 'To' number {} {words}.", self.to)));
        }
        let digits = self.to.strip_prefix('+').unwrap_or_default();
        let number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !number || digits.starts_with('0') {
            return Err(Refusal::bad(
                21211,
                format!("The 'To' number {} is not a valid phone number.", self.to),
            ));
        }
        Ok(())
    }

    fn into_message(self) -> Message {
        Message {
            sid: format!("SM{}", world::new_uuid().simple()),
            segments: segments(&self.body),
            to: self.to,
            from: self.from,
            body: self.body,
            at_ms: world::now_ms(),
        }
    }
}

/// A plain text has 160 characters, any other 70; parts of a longer one have fewer.
fn segments(body: &str) -> usize {
    let plain = body.chars().all(|c| c.is_ascii_alphanumeric() || GSM_PUNCTUATION.contains(c));
    let (alone, part, length) =
        if plain { (160, 153, body.len()) } else { (70, 67, body.encode_utf16().count()) };
    if length <= alone { 1 } else { length.div_ceil(part) }
}

/// As the provider shows a message that it has taken.
fn shown(message: &Message, account: &str) -> Value {
    json!({
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": message.body,
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": message.from,
        "num_media": "0",
        "num_segments": message.segments.to_string(),
        "price": null,
        "price_unit": "USD",
        "sid": message.sid,
        "status": "queued",
        "to": message.to,
        "uri": format!("/2010-04-01/Accounts/{account}/Messages/{}.json", message.sid),
    })
}

async fn prevented(fired: &Fired<Fault>, peer: &Peer) -> Response {
    match fired.fault {
        Fault::TimeoutBefore => wire::hang_up(peer, fired.hold()).await,
        Fault::Http502Html => wire::bad_gateway(),
        Fault::RateLimited => Refusal::RateLimited.into_response(),
        _ => Refusal::Internal.into_response(),
    }
}

async fn spoilt(fired: &Fired<Fault>, peer: &Peer, response: Response) -> Response {
    match fired.fault {
        Fault::TimeoutAfter => wire::hang_up(peer, fired.hold()).await,
        Fault::CutBody => wire::broken_after(response, CUT_BODY_KEEP_PERCENT).await,
        Fault::Http502After => wire::bad_gateway(),
        Fault::Slow => {
            tokio::time::sleep(fired.hold()).await;
            response
        }
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turkish_letter_shortens_the_message() {
        assert_eq!([segments(&"a".repeat(160)), segments(&"a".repeat(161))], [1, 2]);
        assert_eq!([segments(&"ğ".repeat(70)), segments(&"ğ".repeat(71))], [1, 2]);
    }
}
