//! Makes events ready for the writer: refuses what the database or the hash could not hold, serialises, hashes.
//!
//! Runs in the caller's task, so that the writer only concatenates.

use crate::context::{Claim, Context, Rider};
use crate::leaf::{self, Documents, INTEGER_MAX, LeafError};
use crate::writer::{AnswerRow, Append, ClaimRow, EventRow};
use domain::Envelope;
use serde_json::Value;
use time::OffsetDateTime;

/// Largest payload with metadata, in bytes of JSON; the relay's messages must stay below NATS's 1 MiB.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// Longest id, scope or key, in bytes; an index row holds 2,704.
pub const KEY_BYTES_MAX: usize = 512;
/// Largest recorded answer, in bytes of JSON.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Something that must not reach the journal; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("{place} contains the character NUL")]
    Nul { place: String },
    #[error("{place} holds the number {number}, whose integer part exceeds 2^53")]
    NumberTooLarge { place: String, number: String },
    #[error("{place} has {bytes} bytes, more than {max}")]
    TooLarge { place: String, bytes: usize, max: usize },
    #[error("{name:?} is no name of an aggregate or event type: letters, digits, '_' and '-' only")]
    Name { name: String },
    #[error("an event cannot be hashed")]
    Leaf(#[from] LeafError),
    #[error("an event cannot be serialised")]
    Json(#[from] serde_json::Error),
}

/// Builds the call for one unit; `owner` holds its claims.
pub(crate) fn append(
    events: &[Envelope],
    owner: &(String, String),
    context: &Context,
    rider: &Rider,
    now: OffsetDateTime,
) -> Result<Append, PrepareError> {
    let rows = events.iter().map(event_row).collect::<Result<Vec<_>, _>>()?;
    let claims =
        rider.claims.iter().map(|claim| claim_row(claim, owner, now)).collect::<Result<Vec<_>, _>>()?;
    let answer = match &rider.idempotency {
        None => None,
        Some(record) => {
            let answer = serde_json::to_string(&record.answer)?;
            check_text("the idempotency key's scope", &record.scope, KEY_BYTES_MAX)?;
            check_text("the idempotency key", &record.key, KEY_BYTES_MAX)?;
            check_text("the fingerprint", &record.fingerprint, KEY_BYTES_MAX)?;
            check_size("the recorded answer", answer.len(), ANSWER_BYTES_MAX)?;
            check_value("answer", &record.answer)?;
            Some(AnswerRow {
                scope: record.scope.clone(),
                key: record.key.clone(),
                fingerprint: record.fingerprint.clone(),
                answer,
                recorded_at: now,
            })
        }
    };
    Ok(Append::new(context.command_id.to_string(), rows, claims, answer))
}

fn event_row(event: &Envelope) -> Result<EventRow, PrepareError> {
    check_name(&event.aggregate_type)?;
    check_name(&event.event_type)?;
    check_text("the aggregate's id", &event.aggregate_id, KEY_BYTES_MAX)?;
    check_text("the event's version", &event.event_version, KEY_BYTES_MAX)?;
    check_value("payload", &event.payload)?;
    for (key, value) in &event.metadata {
        check_text(key, value, KEY_BYTES_MAX)?;
    }
    let documents = Documents::of(event)?;
    check_size("the event", documents.payload.len() + documents.metadata.len(), EVENT_BYTES_MAX)?;
    let leaf_hash = leaf::hash(&documents.event(event)?);
    let Documents { payload, metadata } = documents;
    Ok(EventRow {
        aggregate_type: event.aggregate_type.clone(),
        aggregate_id: event.aggregate_id.clone(),
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload,
        metadata,
        recorded_at: event.recorded_at,
        leaf_hash,
    })
}

fn claim_row(claim: &Claim, owner: &(String, String), now: OffsetDateTime) -> Result<ClaimRow, PrepareError> {
    check_text("the claim's scope", &claim.scope, KEY_BYTES_MAX)?;
    check_text("the claim's key", &claim.key, KEY_BYTES_MAX)?;
    Ok(ClaimRow {
        scope: claim.scope.clone(),
        key: claim.key.clone(),
        owner_type: owner.0.clone(),
        owner_id: owner.1.clone(),
        claimed_at: now,
    })
}

/// Names become parts of NATS subjects.
fn check_name(name: &str) -> Result<(), PrepareError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > KEY_BYTES_MAX || !name.bytes().all(allowed) {
        return Err(PrepareError::Name { name: name.to_owned() });
    }
    Ok(())
}

fn check_text(place: &str, text: &str, max: usize) -> Result<(), PrepareError> {
    if text.contains('\0') {
        return Err(PrepareError::Nul { place: place.to_owned() });
    }
    check_size(place, text.len(), max)
}

fn check_size(place: &str, bytes: usize, max: usize) -> Result<(), PrepareError> {
    if bytes > max {
        return Err(PrepareError::TooLarge { place: place.to_owned(), bytes, max });
    }
    Ok(())
}

/// Walks a JSON value; `place` is its path, for the error only.
fn check_value(place: &str, value: &Value) -> Result<(), PrepareError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) => check_number(place, number),
        Value::String(text) => check_text(place, text, usize::MAX),
        Value::Array(items) => items.iter().try_for_each(|item| check_value(place, item)),
        Value::Object(fields) => fields.iter().try_for_each(|(key, item)| {
            check_text(place, key, usize::MAX)?;
            check_value(key, item)
        }),
    }
}

fn check_number(place: &str, number: &serde_json::Number) -> Result<(), PrepareError> {
    let fits = match (number.as_i64(), number.as_u64()) {
        (Some(signed), _) => signed.unsigned_abs() <= INTEGER_MAX,
        (None, Some(unsigned)) => unsigned <= INTEGER_MAX,
        (None, None) => number.as_f64().is_some_and(|float| float.abs() <= 9_007_199_254_740_992.0),
    };
    if fits {
        return Ok(());
    }
    Err(PrepareError::NumberTooLarge { place: place.to_owned(), number: number.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nul_is_refused_wherever_it_stands() {
        for value in [json!("a\0"), json!(["x", ["\0"]]), json!({"a\0": 1}), json!({"a": {"b": "\0"}})] {
            assert!(matches!(check_value("payload", &value), Err(PrepareError::Nul { .. })), "{value}");
        }
    }

    #[test]
    fn integers_up_to_two_to_the_53_pass_and_no_further() {
        for value in
            [json!(9_007_199_254_740_992_u64), json!(-9_007_199_254_740_992_i64), json!(0.1), json!(1e-300)]
        {
            check_value("payload", &value).unwrap();
        }
        for value in [
            json!(9_007_199_254_740_993_u64),
            json!(-9_007_199_254_740_993_i64),
            json!(u64::MAX),
            json!(1e21),
        ] {
            assert!(
                matches!(check_value("payload", &value), Err(PrepareError::NumberTooLarge { .. })),
                "{value}"
            );
        }
    }

    #[test]
    fn a_type_that_would_break_a_subject_is_refused() {
        for name in ["", "a.b", "a b", "*", ">", "ödeme"] {
            assert!(matches!(check_name(name), Err(PrepareError::Name { .. })), "{name}");
        }
        check_name("ai_job").unwrap();
    }
}
