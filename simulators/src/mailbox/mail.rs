//! A message from its bytes to what people see.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailparse::{MailHeaderMap as _, ParsedMail};
use serde::{Deserialize, Serialize};

/// A message as it came in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Received {
    /// Its number here.
    pub id: u64,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipients.
    pub recipients: Vec<String>,
    /// RFC 3339.
    pub received_at: String,
    /// The message, base64.
    pub raw: String,
}

/// A message with its parsed view.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// Its number here.
    pub id: u64,
    /// Envelope recipients: who would have got it.
    pub to: Vec<String>,
    /// Header From, decoded.
    pub from: String,
    /// Decoded.
    pub subject: String,
    /// With its angle brackets.
    pub message_id: String,
    /// RFC 3339.
    pub received_at: String,
    /// Header Date.
    pub date: String,
    /// Envelope sender, where bounces would go.
    pub envelope_from: String,
    /// First plain text part.
    pub text: Option<String>,
    /// First HTML part.
    pub html: Option<String>,
    /// Bytes.
    pub size: usize,
    /// The bytes.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

impl Mail {
    pub(super) fn read(received: Received) -> Self {
        let raw = STANDARD.decode(&received.raw).unwrap_or_default();
        let parsed = mailparse::parse_mail(&raw).ok();
        let header = |name: &str| {
            parsed.as_ref().and_then(|mail| mail.headers.get_first_value(name)).unwrap_or_default()
        };
        let part = |mime: &str| parsed.as_ref().and_then(|mail| first(mail, mime));
        Self {
            id: received.id,
            to: received.recipients,
            from: header("From"),
            subject: header("Subject"),
            message_id: header("Message-ID"),
            received_at: received.received_at,
            date: header("Date"),
            envelope_from: received.sender,
            text: part("text/plain"),
            html: part("text/html"),
            size: raw.len(),
            raw,
        }
    }
}

fn first(mail: &ParsedMail<'_>, mime: &str) -> Option<String> {
    if mail.subparts.is_empty() {
        return (mail.ctype.mimetype == mime).then(|| mail.get_body().ok()).flatten();
    }
    mail.subparts.iter().find_map(|part| first(part, mime))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Mail {
        Mail::read(Received {
            id: 1,
            sender: String::new(),
            recipients: vec!["a@b.example".to_owned()],
            received_at: String::new(),
            raw: STANDARD.encode(raw),
        })
    }

    #[test]
    fn turkish_headers_and_both_bodies_are_decoded() {
        let mail = read(
            "From: =?utf-8?B?xLBsZXRpxZ9pbQ==?= <a@b.example>\r\nSubject: =?utf-8?Q?Sipari=C5=9F?=\r\n\
             Message-ID: <1@b.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative; boundary=x\r\n\r\n\
             --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
             Te=C5=9Fekk=C3=BCrler\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nPGI+xLB5aTwvYj4=\r\n--x--\r\n",
        );
        assert_eq!(mail.from, "İletişim <a@b.example>");
        assert_eq!(mail.subject, "Sipariş");
        assert_eq!(mail.message_id, "<1@b.example>");
        assert_eq!(mail.text.unwrap().trim(), "Teşekkürler");
        assert_eq!(mail.html.unwrap().trim(), "<b>İyi</b>");
    }
}
