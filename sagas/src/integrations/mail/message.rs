//! From an `OutgoingMail` to the bytes that go over the wire: the same ones every time.

use std::time::SystemTime;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest, Sha256};

use super::smtp::Sender;
use super::{MailAddress, OutgoingMail};
use crate::integrations::CallError;

const NAME_CHARS_MAX: usize = 100;
const SUBJECT_CHARS_MAX: usize = 200;
const MESSAGE_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Whatever is wrong with it is our doing.
pub fn build(from: &Sender, mail: &OutgoingMail) -> Result<(Envelope, Vec<u8>), CallError> {
    let message = Message::builder()
        .from(mailbox(from.name.as_deref(), &from.address)?)
        .to(mailbox(mail.to_name.as_deref(), &mail.to)?)
        .subject(line(&mail.subject, SUBJECT_CHARS_MAX))
        .date(SystemTime::from(mail.date))
        .message_id(Some(message_id(&mail.message_id)?))
        // No out-of-office answers (RFC 3834).
        .raw_header(header("Auto-Submitted", "auto-generated")?)
        .raw_header(header("Content-Language", "tr")?)
        .multipart(body(mail)?)
        .map_err(|error| CallError::misconfigured(format!("mail: {error}")))?;
    let bytes = message.formatted();
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(CallError::misconfigured(format!("mail: {} bytes", bytes.len())));
    }
    Ok((message.envelope().clone(), bytes))
}

fn body(mail: &OutgoingMail) -> Result<MultiPart, CallError> {
    let texts = MultiPart::alternative()
        .boundary(boundary(mail, "texts"))
        .singlepart(SinglePart::plain(mail.text.clone()))
        .singlepart(SinglePart::html(mail.html.clone()));
    if mail.attachments.is_empty() {
        return Ok(texts);
    }
    let mut whole = MultiPart::mixed().boundary(boundary(mail, "whole")).multipart(texts);
    for attachment in &mail.attachments {
        let kind = ContentType::parse(&attachment.content_type)
            .map_err(|error| CallError::misconfigured(format!("mail: attachment type: {error}")))?;
        let part = Part::new(line(&attachment.name, NAME_CHARS_MAX));
        whole = whole.singlepart(part.body(attachment.bytes.to_vec(), kind));
    }
    Ok(whole)
}

/// Random ones would make a retry another message.
fn boundary(mail: &OutgoingMail, part: &str) -> String {
    let digest = Sha256::digest(format!("{}\0{part}", mail.message_id));
    hex::encode(&digest[..20])
}

fn mailbox(name: Option<&str>, address: &MailAddress) -> Result<Mailbox, CallError> {
    let address: Address =
        address.as_str().parse().map_err(|_| CallError::misconfigured("mail: an address is unusable"))?;
    let name = name.map(|name| line(name, NAME_CHARS_MAX)).filter(|name| !name.is_empty());
    Ok(Mailbox::new(name, address))
}

/// Control characters end headers, and a line break in a name makes `lettre` panic.
fn line(text: &str, chars_max: usize) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).take(chars_max).collect();
    text.trim().to_owned()
}

fn message_id(id: &str) -> Result<String, CallError> {
    let id = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(id);
    let plain = id.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"(),;:\\[]".contains(&byte));
    let parts = id.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
    if plain && parts && id.matches('@').count() == 1 {
        return Ok(format!("<{id}>"));
    }
    Err(CallError::misconfigured("mail: the message id is not key@domain"))
}

fn header(name: &'static str, value: &str) -> Result<HeaderValue, CallError> {
    let name = HeaderName::new_from_ascii(name.to_owned())
        .map_err(|error| CallError::misconfigured(format!("mail: {error}")))?;
    Ok(HeaderValue::new(name, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use time::OffsetDateTime;

    use super::super::{Attachment, parse_address};
    use super::*;

    fn mail() -> OutgoingMail {
        OutgoingMail {
            to: parse_address("ali@example.com").unwrap(),
            to_name: Some("Çağrı\r\nBcc: x@y.z Işık".to_owned()),
            subject: "Siparişiniz alındı".to_owned(),
            text: "Merhaba\n.\nğüşiöç".to_owned(),
            html: "<p>Merhaba ğüşiöç</p>".to_owned(),
            message_id: "order-1@polikrami.example".to_owned(),
            date: OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap(),
            attachments: vec![Attachment {
                name: "fatura-İ.pdf".to_owned(),
                content_type: "application/pdf".to_owned(),
                bytes: Bytes::from_static(b"%PDF-1.7"),
            }],
        }
    }

    fn sender() -> Sender {
        Sender {
            address: parse_address("magaza@polikrami.example").unwrap(),
            name: Some("Polikrami".to_owned()),
        }
    }

    #[test]
    fn a_retry_sends_the_same_bytes() {
        let (envelope, first) = build(&sender(), &mail()).unwrap();
        assert_eq!(build(&sender(), &mail()).unwrap().1, first);
        assert_eq!(envelope.to().len(), 1);
        let text = String::from_utf8(first).unwrap();
        assert!(text.is_ascii());
        for header in [
            "Message-ID: <order-1@polikrami.example>\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Language: tr\r\n",
            "Content-Type: application/pdf\r\n",
        ] {
            assert!(text.contains(header), "{header} in {text}");
        }
        assert!(!text.contains("\r\nBcc"), "a name cannot add a header");
    }

    #[test]
    fn an_unusable_message_id_is_our_mistake() {
        for id in ["", "a", "a@", "a@b@c", "<a@b", "a b@c", "ş@b"] {
            let mut mail = mail();
            mail.message_id = id.to_owned();
            assert!(matches!(build(&sender(), &mail), Err(CallError::Misconfigured { .. })), "{id}");
        }
    }
}
