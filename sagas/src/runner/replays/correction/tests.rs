use super::*;
use domain::Event;
use journal::dead_letters::State;
use serde_json::json;
use std::collections::BTreeMap;
use time::OffsetDateTime;

const PAYMENT: &str = "00000000-0000-0000-0000-000000000007";

/// A question to the payment provider is due: verify, and a timer for the next one.
fn check_due() -> Envelope {
    Envelope {
        position: 12,
        aggregate_type: "payment".into(),
        aggregate_id: PAYMENT.into(),
        sequence: 3,
        event_type: "check_due".into(),
        event_version: "1".into(),
        payload: json!({ "type": "check_due", "round": 1 }),
        metadata: BTreeMap::new(),
        recorded_at: OffsetDateTime::UNIX_EPOCH,
    }
}

fn letter(flow: &str, id: Uuid, action_index: i32, action: Value) -> DeadLetter {
    let at = OffsetDateTime::UNIX_EPOCH;
    DeadLetter {
        id,
        flow: flow.into(),
        position: Some(12),
        action_index,
        action,
        error: "it failed".into(),
        attempts: 1,
        first_at: at,
        last_at: at,
        state: State::Open,
        resolution: None,
        resolved_at: None,
    }
}

fn steps_as_json() -> Vec<Value> {
    let event = check_due();
    assert!(matches!(event.decode(), Ok(Event::Payment(_))), "{:?}", event.decode());
    let steps = steps("checkout", &event).unwrap();
    steps.iter().map(|step| serde_json::to_value(step).unwrap()).collect()
}

#[test]
fn ids_and_commands_follow_from_the_event_and_cannot_be_corrected() {
    let [verify, after] = &steps_as_json()[..] else { panic!("two steps") };
    let check = |index, stored: &Value, wanted: &Value| {
        corrected(&letter("checkout", Uuid::nil(), index, stored.clone()), Some(&check_due()), wanted)
    };
    let mut other = verify.clone();
    other["call"]["payment"] = json!(Uuid::from_u128(8));
    assert!(matches!(check(0, verify, &other), Err(CorrectionError::Fixed(_))));
    assert!(matches!(check(0, verify, after), Err(CorrectionError::Fixed(_))), "another kind of action");
    assert!(matches!(check(2, verify, after), Err(CorrectionError::NoStep)));
    assert!(matches!(check(0, verify, verify), Err(CorrectionError::Unchanged)));
    let unknown = json!({ "action": "burn", "call": {} });
    assert!(matches!(check(0, verify, &unknown), Err(CorrectionError::Unreadable(_))));
    check(0, &unknown, verify)
        .expect("what another release spelled differently can be spelled as the event says");
}

#[test]
fn a_delay_is_not_fixed_by_the_event() {
    let after = &steps_as_json()[1];
    let wanted = |seconds: u64| {
        let mut wanted = after.clone();
        wanted["delay"]["secs"] = json!(seconds);
        let letter = letter("checkout", Uuid::nil(), 1, after.clone());
        corrected(&letter, Some(&check_due()), &wanted)
    };
    wanted(90).unwrap();
    assert!(matches!(wanted(31 * 24 * 3_600), Err(CorrectionError::Delay)));
}

#[test]
fn a_timer_carries_the_command_of_the_step_that_set_it() {
    let known = steps_as_json()[1]["command"].clone();
    let context = json!({ "causation_position": 12 });
    let stored = json!({ "command": { "aggregate": "unknown" }, "context": context });
    let check = |id, command: &Value| {
        let wanted = json!({ "command": command, "context": context });
        corrected(&letter(timers::NAME, id, 0, stored.clone()), Some(&check_due()), &wanted)
    };
    let id = timer_id("checkout", 12, 1);
    check(id, &known).unwrap();
    let mut other = known.clone();
    other["id"] = json!(Uuid::from_u128(8));
    assert!(matches!(check(id, &other), Err(CorrectionError::Fixed(_))));
    assert!(matches!(check(Uuid::nil(), &known), Err(CorrectionError::NoStep)));
}
