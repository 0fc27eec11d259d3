//! RFC 8785 text: what is hashed.
//!
//! The events of this house hold no fractions and name their fields in ASCII. For such values the plain text of
//! `serde_json` is the canonical one already: keys in ascending order of their bytes are in UTF-16 order too, whole
//! numbers up to 2^53 and strings are written alike. Everything else is left to the canonicalizer, which takes ten
//! times as long; a property test holds the two together.

use super::LeafError;
use domain::Envelope;
use serde_json::Value;
use std::collections::BTreeMap;
use time::UtcOffset;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// The largest integer that every JSON reader understands alike (RFC 8785 numbers are IEEE doubles).
pub(crate) const INTEGER_MAX: u64 = 1 << 53;

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, of a time in UTC; always six digits.
const RECORDED_AT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// The canonical texts of an event's two documents.
pub(crate) struct Documents {
    pub payload: String,
    pub metadata: String,
}

impl Documents {
    pub fn of(event: &Envelope) -> Result<Self, serde_json::Error> {
        Ok(Self { payload: payload_text(&event.payload)?, metadata: metadata_text(&event.metadata)? })
    }

    /// The canonical JSON of the whole event, in which the documents stand.
    pub fn event(&self, event: &Envelope) -> Result<Vec<u8>, LeafError> {
        let recorded_at = event.recorded_at.to_offset(UtcOffset::UTC).format(RECORDED_AT)?;
        let mut text = Vec::with_capacity(self.payload.len() + self.metadata.len() + FRAME_BYTES);
        for (field, value) in [
            (r#"{"aggregate_id":"#, &event.aggregate_id),
            (r#","aggregate_type":"#, &event.aggregate_type),
            (r#","event_type":"#, &event.event_type),
            (r#","event_version":"#, &event.event_version),
        ] {
            text.extend_from_slice(field.as_bytes());
            serde_json::to_writer(&mut text, value)?;
        }
        for part in [r#","metadata":"#, &self.metadata, r#","payload":"#, &self.payload] {
            text.extend_from_slice(part.as_bytes());
        }
        // Neither the time's digits nor the number need any escape.
        let tail = format!(r#","recorded_at":"{recorded_at}","sequence":{}}}"#, event.sequence);
        text.extend_from_slice(tail.as_bytes());
        Ok(text)
    }
}

/// Names, punctuation, ids and time.
const FRAME_BYTES: usize = 320;

fn payload_text(payload: &Value) -> Result<String, serde_json::Error> {
    if is_plain(payload) {
        serde_json::to_string(payload)
    } else {
        serde_json_canonicalizer::to_string(payload)
    }
}

fn metadata_text(metadata: &BTreeMap<String, String>) -> Result<String, serde_json::Error> {
    if metadata.keys().all(|key| key.is_ascii()) {
        serde_json::to_string(metadata)
    } else {
        serde_json_canonicalizer::to_string(metadata)
    }
}

/// The plain text is the canonical one. Asks for the order of the keys as well: whether a map keeps them sorted is
/// up to a feature that any crate of the build may switch (`preserve_order`). With another, `arbitrary_precision`,
/// the number `-0` would pass here; the test below fails then.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() <= INTEGER_MAX),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(fields) => {
            fields.keys().is_sorted() && fields.iter().all(|(key, value)| key.is_ascii() && is_plain(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Number, json};
    use time::macros::datetime;

    fn any_number() -> impl Strategy<Value = Value> {
        let whole = prop_oneof![any::<i64>(), -9_i64..9, (1_i64 << 52)..(1 << 54)].prop_map(Value::from);
        let float =
            any::<f64>().prop_filter_map("finite", |float| Number::from_f64(float).map(Value::Number));
        prop_oneof![whole, any::<u64>().prop_map(Value::from), float]
    }

    /// Everything that needs an escape or sorts differently in UTF-8 and UTF-16 is in here.
    fn any_text() -> impl Strategy<Value = String> {
        let odd =
            prop::sample::select(vec!['\u{ff61}', '😀', '\u{7f}', '\u{1}', '"', '\\', '/', '\n', 'ş', 'a']);
        prop_oneof![
            "[a-z_]{0,8}",
            prop::collection::vec(odd, 0..6).prop_map(String::from_iter),
            any::<String>()
        ]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any_number(),
            any_text().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let fields = prop::collection::vec((any_text(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                fields.prop_map(|fields| Value::Object(Map::from_iter(fields)))
            ]
        })
    }

    /// The event as a document of its own, for the canonicalizer.
    fn document(event: &Envelope, recorded_at: &str) -> Value {
        json!({
            "aggregate_type": event.aggregate_type, "aggregate_id": event.aggregate_id,
            "sequence": event.sequence, "event_type": event.event_type, "event_version": event.event_version,
            "payload": event.payload, "metadata": event.metadata, "recorded_at": recorded_at,
        })
    }

    proptest! {
        #[test]
        fn whatever_is_hashed_is_what_the_canonicalizer_writes(
            payload in any_value(),
            metadata in prop::collection::btree_map(any_text(), any_text(), 0..4),
            (aggregate_id, sequence) in (any_text(), 1..1_i64 << 40),
        ) {
            let event = Envelope {
                position: 0,
                aggregate_type: "order".to_owned(),
                aggregate_id,
                sequence,
                event_type: "placed".to_owned(),
                event_version: "1".to_owned(),
                payload,
                metadata,
                recorded_at: datetime!(2026-11-24 03:04:05.1 +3),
            };
            let text = Documents::of(&event).unwrap().event(&event).unwrap();
            let expected = document(&event, "2026-11-24T00:04:05.100000Z");
            let expected = serde_json_canonicalizer::to_string(&expected).unwrap();
            prop_assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }

    #[test]
    fn plain_is_what_needs_no_canonicalizer() {
        for plain in [json!({"a": [1, null, "ş"], "b": {}}), json!(9_007_199_254_740_992_i64)] {
            assert!(is_plain(&plain), "{plain}");
        }
        for other in [json!({"ş": 1}), json!(0.5), json!(-0.0), json!(9_007_199_254_740_993_i64)] {
            assert!(!is_plain(&other), "{other}");
        }
    }
}
