//! The files in `events/` are the contract with every row that was ever stored: they are added to, never rewritten.

use super::{Envelope, Event};
use crate::{AccountEvent, AiJobEvent, DraftEvent, OrderEvent, PaymentEvent, WalletEvent};
use cqrs_es::DomainEvent;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use time::OffsetDateTime;

struct Golden {
    file: String,
    /// aggregate, event, version: as the file's name says.
    name: [String; 3],
    payload: Value,
}

fn goldens() -> Vec<Golden> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let golden = |entry: std::fs::DirEntry| {
        let file = entry.file_name().into_string().unwrap();
        let parts: Vec<&str> = file.split('.').collect();
        let [aggregate, event, version, "json"] = parts[..] else {
            panic!("{file}: name it aggregate.event.v1.json")
        };
        let version = version.strip_prefix('v').unwrap_or_else(|| panic!("{file}: the version is v1, v2 …"));
        let name = [aggregate, event, version].map(String::from);
        let payload = serde_json::from_str(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
        Golden { file, name, payload }
    };
    std::fs::read_dir(directory).unwrap().map(|entry| golden(entry.unwrap())).collect()
}

fn decode(golden: &Golden) -> Event {
    let [aggregate_type, event_type, event_version] = golden.name.clone();
    let row = Envelope {
        position: 1,
        aggregate_type,
        aggregate_id: String::new(),
        sequence: 1,
        event_type,
        event_version,
        payload: golden.payload.clone(),
        metadata: BTreeMap::new(),
        recorded_at: OffsetDateTime::UNIX_EPOCH,
    };
    row.decode().unwrap_or_else(|error| panic!("{}: {error}: {:?}", golden.file, error.source))
}

/// The event as it is stored today: aggregate, event, version, payload.
fn stored(event: &Event) -> ([String; 3], Value) {
    fn of<E: DomainEvent>(aggregate: &str, event: &E) -> ([String; 3], Value) {
        let name = [aggregate.into(), event.event_type(), event.event_version()];
        (name, serde_json::to_value(event).unwrap())
    }
    match event {
        Event::Account(event) => of("account", event),
        Event::Wallet(event) => of("wallet", event),
        Event::Draft(event) => of("draft", event),
        Event::AiJob(event) => of("ai_job", event),
        Event::Order(event) => of("order", event),
        Event::Payment(event) => of("payment", event),
    }
}

/// The variants' names. The match is there to stop compiling when a variant is added: name it, and add its golden.
macro_rules! variants {
    ($event:ident: $($variant:ident)+) => {{
        fn _every_variant_is_named(event: &$event) {
            match event {
                $($event::$variant { .. } => {})+
            }
        }
        vec![$(stringify!($variant)),+]
    }};
}

fn every_event() -> BTreeSet<(String, String)> {
    [
        (
            "account",
            variants!(AccountEvent: Registered VerificationRequested EmailVerified PhoneVerificationRequested
                PhoneVerified PasswordResetRequested PasswordReset PasswordChanged RoleGranted SessionStolen),
        ),
        ("wallet", variants!(WalletEvent: Granted Reserved Captured Released)),
        (
            "draft",
            variants!(DraftEvent: Created MessageCardChosen ShippingSet BillingSet GenerationBegun
                GenerationEnded PictureSelected Committed Canceled),
        ),
        (
            "ai_job",
            variants!(AiJobEvent: Requested PictureBegun PictureDeferred PictureGenerated PictureFailed
                Finished),
        ),
        (
            "order",
            variants!(OrderEvent: Placed PaymentBegun PaymentEnded Paid SurplusReceived InvoiceIssued
                Canceled Expired),
        ),
        (
            "payment",
            variants!(PaymentEvent: Requested CheckoutOpened CallbackReceived CheckDue Captured Failed
                HeldForReview Expired RefundRequested Refunded),
        ),
    ]
    .into_iter()
    .flat_map(|(aggregate, variants)| variants.into_iter().map(move |v| (aggregate.into(), snake(v))))
    .collect()
}

fn snake(camel: &str) -> String {
    let mut snake = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn every_golden_decodes_to_the_event_that_its_name_says() {
    for golden in goldens() {
        let (name, _) = stored(&decode(&golden));
        assert_eq!(name[..2], golden.name[..2], "{}", golden.file);
    }
}

#[test]
fn every_golden_of_the_newest_version_is_stored_again_as_it_was() {
    for golden in goldens() {
        let (name, payload) = stored(&decode(&golden));
        if name == golden.name {
            assert_eq!(payload, golden.payload, "{}", golden.file);
        }
    }
}

#[test]
fn every_event_has_a_golden_of_its_newest_version() {
    let newest: BTreeSet<(String, String)> = goldens()
        .iter()
        .map(|golden| (golden, stored(&decode(golden)).0))
        .filter(|(golden, name)| *name == golden.name)
        .map(|(_, [aggregate, event, _])| (aggregate, event))
        .collect();
    assert_eq!(newest, every_event(), "left: the files in domain/events; right: the events in the code");
}

#[test]
fn what_no_aggregate_knows_is_an_error_that_names_the_row() {
    let row = |aggregate_type: &str, payload: Value| Envelope {
        position: 7,
        aggregate_type: aggregate_type.into(),
        aggregate_id: String::new(),
        sequence: 1,
        event_type: "granted".into(),
        event_version: "1".into(),
        payload,
        metadata: BTreeMap::new(),
        recorded_at: OffsetDateTime::UNIX_EPOCH,
    };
    let unknown = row("warehouse", Value::Null).decode().unwrap_err();
    assert_eq!(unknown.to_string(), "event 7 (warehouse.granted v1) cannot be read");
    assert!(unknown.source.is_none());

    let broken = row("wallet", serde_json::json!({"type": "granted", "credits": -1})).decode().unwrap_err();
    assert_eq!(broken.to_string(), "event 7 (wallet.granted v1) cannot be read");
    assert!(broken.source.is_some(), "the reason is kept");
}
