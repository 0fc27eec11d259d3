use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::macros::datetime;

fn event(payload: Value) -> Envelope {
    Envelope {
        position: 0,
        aggregate_type: "order".to_owned(),
        aggregate_id: "o-1".to_owned(),
        sequence: 1,
        event_type: "placed".to_owned(),
        event_version: "1".to_owned(),
        payload,
        metadata: BTreeMap::from([("actor".to_owned(), "account:1".to_owned())]),
        recorded_at: datetime!(2026-11-24 03:04:05.1 +3),
    }
}

#[test]
fn the_canonical_form_is_fixed() {
    let text =
        String::from_utf8(canonical(&event(json!({"b": 1, "a": {"z": [], "y": null}}))).unwrap()).unwrap();
    assert_eq!(
        text,
        r#"{"aggregate_id":"o-1","aggregate_type":"order","event_type":"placed","event_version":"1","#
            .to_owned()
            + r#""metadata":{"actor":"account:1"},"payload":{"a":{"y":null,"z":[]},"b":1},"#
            + r#""recorded_at":"2026-11-24T00:04:05.100000Z","sequence":1}"#
    );
}

#[test]
fn the_hash_of_a_known_event_never_changes() {
    assert_eq!(
        hex::encode(leaf_hash(&event(json!({"not": "çğıİöşü 😀", "kuruş": 12_000}))).unwrap()),
        "b5a04b858af4cafe925d90412e764b576d905ea2a1ea0689c7815176fdbab255"
    );
}

#[test]
fn the_position_is_not_hashed_and_everything_else_is() {
    let original = event(json!({"a": 1}));
    let hash = |change: fn(&mut Envelope)| {
        let mut changed = original.clone();
        change(&mut changed);
        leaf_hash(&changed).unwrap()
    };
    let expected = leaf_hash(&original).unwrap();
    assert_eq!(hash(|event| event.position = 7), expected);
    for changed in [
        hash(|event| event.aggregate_type.push('x')),
        hash(|event| event.aggregate_id.push('x')),
        hash(|event| event.sequence = 2),
        hash(|event| event.event_type.push('x')),
        hash(|event| event.event_version.push('x')),
        hash(|event| event.payload = json!({"a": 2})),
        hash(|event| event.metadata.clear()),
        hash(|event| event.recorded_at += time::Duration::microseconds(1)),
    ] {
        assert_ne!(changed, expected);
    }
}
