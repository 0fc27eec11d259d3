//! The `Idempotency-Key` header.

use crate::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The client's name for this request, if it gave one; see [`crate::idempotency`] for what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// Refuses what is no key, and two of them.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => {
                let key = parse(value).ok_or_else(|| Problem::bad_request("invalid_idempotency_key"))?;
                Ok(Self(Some(key.to_owned())))
            }
            (Some(_), Some(_)) => Err(Problem::bad_request("invalid_idempotency_key")),
        }
    }
}

/// Printable ASCII without blanks around it.
fn parse(value: &HeaderValue) -> Option<&str> {
    let key = value.to_str().ok()?.trim();
    let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (printable && (1..=KEY_BYTES_MAX).contains(&key.len())).then_some(key)
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[&[u8]]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
        }
        IdempotencyKey::of(&headers).map(|key| key.0).map_err(|problem| problem.code)
    }

    #[test]
    fn there_is_one_key_or_none() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[b" k "]), Ok(Some("k".into())));
        for refused in [&[b"".as_slice()][..], &[b"  "], &[b"k", b"k"], &[b"\xc3\xbc"]] {
            assert_eq!(of(refused), Err("invalid_idempotency_key"), "{refused:?}");
        }
    }

    proptest! {
        #[test]
        fn printable_keys_are_taken_as_they_are(key in "[!-~]([ -~]{0,253}[!-~])?") {
            prop_assert_eq!(of(&[key.as_bytes()]), Ok(Some(key)));
        }

        #[test]
        fn long_keys_are_refused(key in "[!-~]{256,300}") {
            prop_assert!(of(&[key.as_bytes()]).is_err());
        }

        #[test]
        fn whatever_comes_is_a_key_of_fitting_length_or_refused(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes)
                && let Some(key) = parse(&value)
            {
                prop_assert!((1..=KEY_BYTES_MAX).contains(&key.len()) && key == key.trim());
            }
        }
    }
}
