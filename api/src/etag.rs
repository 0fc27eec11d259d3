//! Entity tags: digests of what an answer shows. Two answers with one tag are the same.

use axum::http::HeaderValue;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Half of a SHA-256 is more than enough to tell versions apart.
const TAG_BYTES: usize = 16;

/// What stands between the quotes of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// Of a body as it is sent.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(hex::encode(&Sha256::digest(bytes)[..TAG_BYTES]))
    }

    /// Of a body that would be sent as JSON.
    pub fn of(view: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::of_bytes(&serde_json::to_vec(view)?))
    }

    /// The header of an answer that says exactly these bytes.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("\"{}\"", self.0)).ok()
    }

    /// The tag of a header's value, whether strong or weak.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let quoted = value.strip_prefix("W/").unwrap_or(value);
        let tag = quoted.strip_prefix('"')?.strip_suffix('"')?;
        (!tag.contains('"')).then(|| Self(tag.to_owned()))
    }
}

/// What `If-Match` and `If-None-Match` name. A weak tag names the same version as its strong one: it is that of a
/// compressed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// `*`: whatever there is.
    Any,
    Tags(Vec<Tag>),
}

impl Named {
    /// What is no list of tags names none.
    pub fn parse<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Self {
        let mut tags = Vec::new();
        for value in values.filter_map(|value| value.to_str().ok()) {
            if value.trim() == "*" {
                return Self::Any;
            }
            tags.extend(value.split(',').filter_map(Tag::parse));
        }
        Self::Tags(tags)
    }

    pub fn has(&self, tag: &Tag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn named(text: &str) -> Named {
        Named::parse([HeaderValue::from_str(text).unwrap()].iter())
    }

    #[test]
    fn a_tag_is_that_of_the_bytes_that_are_sent() {
        let view = json!({ "a": 1 });
        assert_eq!(Tag::of(&view).unwrap(), Tag::of_bytes(br#"{"a":1}"#));
        assert_ne!(Tag::of(&view).unwrap(), Tag::of(&json!({ "a": 2 })).unwrap());
    }

    #[test]
    fn lists_of_tags_are_read_strong_or_weak() {
        let tag = Tag("x".into());
        for text in ["\"x\"", "W/\"x\"", "\"a\" , W/\"x\"", "*"] {
            assert!(named(text).has(&tag), "{text}");
        }
        for text in ["\"y\"", "x", "\"x", "W/x", "", "w/\"x\""] {
            assert!(!named(text).has(&tag), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_tag_finds_itself_and_nothing_breaks_the_parser(bytes: Vec<u8>, noise in "[ -~]{0,40}") {
            let tag = Tag::of_bytes(&bytes);
            let text = tag.header().unwrap().to_str().unwrap().to_owned();
            prop_assert!(named(&text).has(&tag));
            let list = format!("\"other\", W/{text}");
            prop_assert!(named(&list).has(&tag));
            prop_assert!(noise.trim() == "*" || !named(&noise).has(&tag));
        }
    }
}
