//! Stored events of every version must be readable for ever.

use super::tree::{files, refuse};
use domain::Envelope;
use std::collections::BTreeMap;
use time::OffsetDateTime;

#[test]
fn every_golden_decodes() {
    let goldens: Vec<_> =
        files().into_iter().filter(|file| file.path.starts_with("domain/events/")).collect();
    assert!(!goldens.is_empty(), "domain/events/ holds one JSON file for each version of each event");
    let violations: Vec<String> = goldens
        .iter()
        .filter_map(|file| readable(file.name(), &file.text).err().map(|why| format!("{}: {why}", file.path)))
        .collect();
    refuse(
        &violations,
        "A golden is a row that a customer's journal may hold: mend the types or upcast the old version, \
         and leave the file as it is.",
    );
}

fn readable(name: &str, text: &str) -> Result<(), String> {
    let parts: Vec<&str> = name.split('.').collect();
    let [aggregate, event, version, "json"] = parts[..] else {
        return Err("its name is not aggregate.event.v1.json".into());
    };
    let version = version.strip_prefix('v').ok_or("its version does not begin with v")?;
    let row = Envelope {
        position: 1,
        aggregate_type: aggregate.into(),
        aggregate_id: String::new(),
        sequence: 1,
        event_type: event.into(),
        event_version: version.into(),
        payload: serde_json::from_str(text).map_err(|error| error.to_string())?,
        metadata: BTreeMap::new(),
        recorded_at: OffsetDateTime::UNIX_EPOCH,
    };
    row.decode().map(drop).map_err(|error| format!("{error}: {:?}", error.source))
}
