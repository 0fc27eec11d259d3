//! The short way to an event answers what the long one does.

use crate::decode::Stored;
use domain::Envelope;
use serde_json::value::RawValue;
use std::path::Path;
use time::macros::datetime;

fn goldens() -> Vec<Envelope> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/events");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut parts = name.splitn(3, '.');
            let mut part = || parts.next().unwrap().to_owned();
            Envelope {
                position: 7,
                aggregate_type: part(),
                aggregate_id: "a".into(),
                sequence: 1,
                event_type: part(),
                event_version: part().trim_start_matches('v').to_owned(),
                payload: serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
                metadata: std::collections::BTreeMap::new(),
                recorded_at: datetime!(2026-11-24 12:00 UTC),
            }
        })
        .collect()
}

fn short(envelope: &Envelope) -> Result<domain::Event, domain::DecodeError> {
    let payload = RawValue::from_string(envelope.payload.to_string()).unwrap();
    let stored = Stored {
        position: envelope.position,
        aggregate_type: &envelope.aggregate_type,
        event_type: &envelope.event_type,
        event_version: &envelope.event_version,
        payload: &payload,
    };
    stored.decode()
}

#[test]
fn every_golden_decodes_to_the_same_event() {
    let goldens = goldens();
    assert!(goldens.len() > 20, "{}", goldens.len());
    for golden in goldens {
        let long = golden.decode().unwrap();
        assert_eq!(short(&golden).unwrap(), long, "{}.{}", golden.aggregate_type, golden.event_type);
    }
}

#[test]
fn what_cannot_be_read_says_so_in_the_same_words() {
    let mut golden = goldens().into_iter().find(|golden| golden.event_type == "placed").unwrap();
    golden.payload = serde_json::json!({ "surely": "not" });
    let (long, short_way) = (golden.decode().unwrap_err(), short(&golden).unwrap_err());
    assert_eq!(short_way.to_string(), long.to_string());
    assert_eq!(short_way.position, 7);
    golden.aggregate_type = "unheard_of".into();
    assert_eq!(short(&golden).unwrap_err().to_string(), golden.decode().unwrap_err().to_string());
}
