//! The reader's language.

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// Turkish, unless the reader likes English better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    #[default]
    Tr,
    En,
}

impl Locale {
    /// The one of the two that `Accept-Language` likes better; of equals the first.
    pub fn of(headers: &HeaderMap) -> Self {
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (Self::default(), 0.0);
        for (locale, weight) in wanted.into_iter().flat_map(|list| list.split(',')).filter_map(Self::liked) {
            if weight > best.1 {
                best = (locale, weight);
            }
        }
        best.0
    }

    /// What an entry such as `en-GB;q=0.8` says of us.
    fn liked(entry: &str) -> Option<(Self, f32)> {
        let (tag, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
        let language = tag.trim().split('-').next().unwrap_or_default();
        let locale =
            [Self::Tr, Self::En].into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(language))?;
        let weight = weight.trim().strip_prefix("q=")?.parse().ok()?;
        Some((locale, weight))
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

    #[test]
    fn the_language_that_is_liked_better_is_spoken() {
        for (asked, spoken) in [
            ("en", Locale::En),
            ("EN-gb,tr;q=0.9", Locale::En),
            ("tr-TR,en;q=0.5", Locale::Tr),
            ("tr;q=0.5, en;q=0.8", Locale::En),
            ("de, en;q=0.8", Locale::En),
            ("de", Locale::Tr),
            ("en;q=0", Locale::Tr),
            ("tr, en", Locale::Tr),
            ("en, tr", Locale::En),
            ("english", Locale::Tr),
            ("*", Locale::Tr),
            ("", Locale::Tr),
        ] {
            assert_eq!(of(asked.as_bytes()), spoken, "{asked}");
        }
    }

    proptest! {
        #[test]
        fn the_greater_weight_wins_whatever_else_is_asked_for(
            (tr, en) in (0u32..=1_000, 0u32..=1_000), others in "([a-df-su-z]{2}(-[A-Z]{2})?(;q=0\\.[0-9])?,){0,3}",
        ) {
            let weight = |thousandths: u32| f64::from(thousandths) / 1_000.0;
            let asked = format!("{others}tr;q={}, en;q={}", weight(tr), weight(en));
            prop_assert_eq!(of(asked.as_bytes()), if en > tr { Locale::En } else { Locale::Tr });
        }

        #[test]
        fn whatever_stands_there_is_read(value: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                Locale::of(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]));
            }
        }
    }
}
