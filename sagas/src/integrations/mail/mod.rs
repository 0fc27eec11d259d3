//! Mail to customers: one recipient per message, Turkish texts, delivered over SMTP.

use bytes::Bytes;
use time::OffsetDateTime;
use url::Host;

mod message;
pub mod smtp;
pub mod templates;

/// One message to one person. Equal values make equal bytes, so that a retry sends the same message.
#[derive(Clone)]
pub struct OutgoingMail {
    pub to: MailAddress,
    pub to_name: Option<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// `key@domain`, with or without `<>`, derived from the outbox key: makes a double recognisable.
    pub message_id: String,
    /// When the message was first made, not when it is sent.
    pub date: OffsetDateTime,
    pub attachments: Vec<Attachment>,
}

#[derive(Clone)]
pub struct Attachment {
    pub name: String,
    pub content_type: String,
    pub bytes: Bytes,
}

/// The server answered 250 to the whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Usually names its queue id.
    pub reply: String,
}

/// An address that the shop writes to: plain ASCII before the `@`, a real domain (in punycode) after it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MailAddress(String);

impl MailAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MailAddress(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("longer than an address may be")]
    TooLong,
    #[error("not of the form name@domain, in plain letters")]
    Form,
    #[error("the domain is not one that mail can go to")]
    Domain,
}

const ADDRESS_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;

/// Nothing is lower-cased before the `@`: that is the receiving server's business.
pub fn parse_address(text: &str) -> Result<MailAddress, AddressError> {
    let (local, domain) = text.trim().rsplit_once('@').ok_or(AddressError::Form)?;
    if local.len() > LOCAL_BYTES_MAX || domain.len() > ADDRESS_BYTES_MAX {
        return Err(AddressError::TooLong);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if local.is_empty() || dots || !local.bytes().all(plain) {
        return Err(AddressError::Form);
    }
    let Ok(Host::Domain(domain)) = Host::parse(domain) else {
        return Err(AddressError::Domain);
    };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |part: &str| {
        let inside = !part.starts_with('-') && !part.ends_with('-');
        (1..=63).contains(&part.len()) && inside && part.bytes().all(letter)
    };
    if !domain.contains('.') || !domain.split('.').all(label) {
        return Err(AddressError::Domain);
    }
    let address = format!("{local}@{domain}");
    if address.len() > ADDRESS_BYTES_MAX { Err(AddressError::TooLong) } else { Ok(MailAddress(address)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_before_the_at_and_punycode_after_it() {
        let cases = [
            ("Ali.Veli+1@Example.COM", "Ali.Veli+1@example.com"),
            (" a@b.co ", "a@b.co"),
            ("info@çiçek.com.tr", "info@xn--iek-1lab.com.tr"),
            ("I@x.tr", "I@x.tr"),
        ];
        for (text, address) in cases {
            assert_eq!(parse_address(text).unwrap().as_str(), address);
        }
    }

    #[test]
    fn what_the_shop_does_not_write_to() {
        use AddressError::{Domain, Form, TooLong};
        let cases = [
            ("", Form),
            ("a", Form),
            ("@b.co", Form),
            ("çağrı@b.co", Form),
            ("\"a b\"@c.de", Form),
            ("a@b@c.de", Form),
            (".a@b.co", Form),
            ("a..b@c.de", Form),
            ("a\r\nBcc: x@b.co", Form),
            ("a@localhost", Domain),
            ("a@[127.0.0.1]", Domain),
            ("a@127.0.0.1", Domain),
            ("a@b.co.", Domain),
            ("a@-b.co", Domain),
            ("a@b_c.de", Domain),
            ("a@b..de", Domain),
            ("a@", Domain),
        ];
        for (text, error) in cases {
            assert_eq!(parse_address(text), Err(error), "{text:?}");
        }
        assert_eq!(parse_address(&format!("{}@b.co", "a".repeat(65))), Err(TooLong));
        let long = format!("a@{}.co", ["b".repeat(60).as_str(); 5].join("."));
        assert_eq!(parse_address(&long), Err(TooLong));
    }

    #[test]
    fn an_address_does_not_print() {
        assert_eq!(format!("{:?}", parse_address("a@b.co").unwrap()), "MailAddress(…)");
    }
}
