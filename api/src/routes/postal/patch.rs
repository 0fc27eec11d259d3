//! A key of a partial update: absent keeps, null clears.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

/// `None`: the key was absent. `Some(None)`: it was null.
pub type Patch<T> = Option<Option<T>>;

/// A key that is answered, and may be sent back; it changes nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(value_type = serde_json::Value)]
pub struct ReadOnly(IgnoredAny);

/// `#[serde(default, deserialize_with = "given")]`: without it, null would look like absent.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Patch<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A text after the update: blanks around it are not part of it, and nothing but blanks is nothing.
pub fn text(sent: Patch<String>, stored: Option<&String>) -> Option<String> {
    match sent {
        None => stored.cloned(),
        Some(sent) => sent.map(|text| text.trim().nfc().collect()).filter(|text: &String| !text.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "given")]
        line: Patch<String>,
    }

    #[test]
    fn absent_keeps_and_null_and_blank_clear() {
        let stored = Some("old".to_owned());
        let after = |json: &str| {
            let body: Body = serde_json::from_str(json).unwrap();
            text(body.line, stored.as_ref())
        };
        assert_eq!(after("{}"), stored);
        assert_eq!(after(r#"{"line":null}"#), None);
        assert_eq!(after(r#"{"line":"  "}"#), None);
        assert_eq!(after(r#"{"line":" u\u0308 "}"#).as_deref(), Some("ü"));
    }
}
