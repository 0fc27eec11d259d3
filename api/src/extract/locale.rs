//! The reader's language.

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// Turkish, unless the first language of `Accept-Language` is English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    #[default]
    Tr,
    En,
}

impl Locale {
    pub fn of(headers: &HeaderMap) -> Self {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let english = wanted
            .and_then(|languages| languages.trim_start().get(..2))
            .is_some_and(|first| first.eq_ignore_ascii_case("en"));
        if english { Self::En } else { Self::Tr }
    }

    /// BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Tr => "tr",
            Self::En => "en",
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Locale {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn of(value: &[u8]) -> Locale {
        let value = HeaderValue::from_bytes(value).unwrap();
        Locale::of(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]))
    }

    proptest! {
        #[test]
        fn only_a_first_language_of_english_is_english(first in "[a-zA-Z]{2}", rest in "[ -~]{0,60}") {
            let expected = if first.eq_ignore_ascii_case("en") { Locale::En } else { Locale::Tr };
            prop_assert_eq!(of(format!(" {first}{rest}").as_bytes()), expected);
        }

        #[test]
        fn bytes_that_are_no_language_are_turkish(bytes in prop::collection::vec(0x80_u8.., 0..40)) {
            prop_assert_eq!(of(&bytes), Locale::Tr);
        }
    }
}
