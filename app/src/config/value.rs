//! How values are written. An error says what is allowed, and leaves the value itself to who may print it.

use sagas::integrations::mail::parse_address;
use sagas::integrations::mail::smtp::Sender;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

pub trait Value: Sized {
    /// Or what it would have to be, to go on with "is not …".
    fn parse(text: &str) -> Result<Self, String>;
}

/// Key material and passwords. Printed as `***`; [`SecretText::expose`] is the only way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Value for SecretText {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "`true` or `false`".to_owned())
    }
}

impl Value for u16 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("a whole number from 0 to {}", Self::MAX))
    }
}

impl Value for IpAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "an IP address".to_owned())
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "an IP address with a port".to_owned())
    }
}

impl Value for Url {
    fn parse(text: &str) -> Result<Self, String> {
        let url =
            Self::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.ok_or_else(|| "an address that begins with https:// or http://".to_owned())
    }
}

/// A whole number between two bounds, both allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> Value for Whole<MIN, MAX> {
    fn parse(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| format!("a whole number from {MIN} to {MAX}"))
    }
}

/// Digits and a unit: `s`, `m`, `h` or `d`. Never nothing, and at most 400 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

const SPAN_MAX: Duration = Duration::from_hours(400 * 24);

impl Value for Span {
    fn parse(text: &str) -> Result<Self, String> {
        let allowed = || "a whole number with a unit, `s`, `m`, `h` or `d`, from 1s to 400d".to_owned();
        let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(allowed)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(allowed()),
        };
        let count = digits.parse::<u32>().map_err(|_| allowed())?;
        let span = Duration::from_secs(u64::from(count) * seconds);
        if span.is_zero() || span > SPAN_MAX { Err(allowed()) } else { Ok(Self(span)) }
    }
}

/// Where a server is reached; it may hold a password. `KIND` says which server.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl<const KIND: char>(String);

/// PostgreSQL.
pub const POSTGRES: char = 'p';
/// NATS.
pub const NATS: char = 'n';

impl<const KIND: char> ServerUrl<KIND> {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<const KIND: char> std::fmt::Debug for ServerUrl<KIND> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl<const KIND: char> Value for ServerUrl<KIND> {
    fn parse(text: &str) -> Result<Self, String> {
        let (schemes, allowed): (&[&str], _) = match KIND {
            NATS => (&["nats", "tls"], "an address that begins with nats:// or tls://"),
            _ => (&["postgres", "postgresql"], "an address that begins with postgres://"),
        };
        let fits = Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host());
        if fits { Ok(Self(text.to_owned())) } else { Err(allowed.to_owned()) }
    }
}

/// Who mails come from: `Name <address>`, or the address alone.
#[derive(Debug, Clone)]
pub struct From(pub Sender);

impl Value for From {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, address) = match text.split_once('<') {
            Some((name, rest)) => (Some(name.trim()), rest.trim_end_matches('>').trim()),
            None => (None, text.trim()),
        };
        let name = name.filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        let address =
            parse_address(address).map_err(|_| "an e-mail address, or `Name <address>`".to_owned())?;
        Ok(Self(Sender { address, name }))
    }
}

/// Origins as browsers send them, comma separated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins(pub Vec<String>);

impl Value for Origins {
    fn parse(text: &str) -> Result<Self, String> {
        let origins: Vec<String> =
            text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
        let is_origin =
            |text: &String| Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == *text);
        match origins.iter().find(|origin| !is_origin(origin)) {
            None => Ok(Self(origins)),
            Some(_) => {
                Err("a comma separated list of origins: scheme, host, port if unusual, no path".to_owned())
            }
        }
    }
}

/// A value out of a few words.
macro_rules! words {
    ($kind:ident: $($word:literal => $value:ident),+) => {
        impl $crate::config::value::Value for $kind {
            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$value),)+
                    _ => Err(["one of", $(concat!(" `", $word, "`")),+].concat()),
                }
            }
        }
    };
}
pub(super) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        assert_eq!(Span::parse("900s"), Ok(Span(Duration::from_mins(15))));
        assert_eq!(Span::parse("30d"), Ok(Span(Duration::from_hours(720))));
        for bad in ["", "s", "900", "0s", "1w", "-1s", "1.5h", "9999999999d", "401d", "ş"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_have_no_path() {
        assert!(Origins::parse("https://shop.example, http://127.0.0.1:3000").is_ok());
        for bad in ["https://shop.example/", "shop.example", "https://shop.example/x"] {
            assert!(Origins::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        assert_eq!(Whole::<1, 10>::parse("10"), Ok(Whole(10)));
        assert_eq!(Whole::<1, 10>::parse("0").unwrap_err(), "a whole number from 1 to 10");
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(
            format!("{:?} {:?}", SecretText::new("s"), ServerUrl::<POSTGRES>::new("postgres://u:p@h/d")),
            "*** ***"
        );
    }
}
