//! E-mail addresses: kept as typed, compared without regard to case.

use unicode_normalization::UnicodeNormalization;

/// Longest address that SMTP carries (RFC 5321), and longest part before the `@`.
const ADDRESS_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;

/// An address of a form that mail can reach.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// ASCII, with a dotted domain and a top level of two letters at least.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let fits = text.len() <= ADDRESS_BYTES_MAX && is_local(local) && is_domain(domain);
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_typed(&self) -> &str {
        &self.0
    }

    /// Two addresses with the same key are the same.
    pub fn comparable(&self) -> String {
        comparable(&self.0)
    }
}

/// The same for text that need not be an address, such as a login's.
pub fn comparable(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase()
}

fn is_local(local: &str) -> bool {
    let special = b"!#$%&'*+-/=?^_`{|}~.";
    !local.is_empty()
        && local.len() <= LOCAL_BYTES_MAX
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || special.contains(&byte))
}

fn is_domain(domain: &str) -> bool {
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_that_mail_can_reach() {
        for good in ["a@b.co", "Ayse.Yilmaz+x@mail.example.com", "o'neil@example.org"] {
            assert!(Email::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "a@b.c",
            "@b.co",
            "a b@c.co",
            " a@b.co",
            "a@-b.co",
            "a..b@c.co",
            "ş@b.co",
            "a@b.c0",
        ] {
            assert!(Email::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn case_makes_no_difference_but_is_kept() {
        let email = Email::parse("Ayse@Example.COM").unwrap();
        assert_eq!(email.as_typed(), "Ayse@Example.COM");
        assert_eq!(email.comparable(), "ayse@example.com");
    }

    proptest! {
        #[test]
        fn what_counts_as_an_address_is_one_line_of_ascii_that_smtp_carries(text in "\\PC{0,80}|[a-z.@\\-\r\n <>]{0,20}") {
            let Some(email) = Email::parse(&text) else { return Ok(()) };
            prop_assert!(text.is_ascii() && text.len() <= ADDRESS_BYTES_MAX && text.matches('@').count() == 1);
            prop_assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;:\"".contains(c)));
            prop_assert_eq!(email.as_typed(), &text);
        }

        #[test]
        fn addresses_of_the_usual_form_are_taken(text in "[a-z0-9]{1,20}([.+_-][a-z0-9]{1,10}){0,2}@[a-z0-9]{1,20}\\.[a-z]{2,6}") {
            prop_assert!(Email::parse(&text).is_some());
        }
    }
}
