use super::history::*;
use crate::ALL;
use crate::model::{Decoded, ReadModel, Rows};
use domain::draft::{CoverSize, Method};
use domain::wallet::{Delivered, GrantKind};
use domain::{AiJobEvent, DraftEvent, PaymentEvent, WalletEvent};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A bit of everything: one customer's way from a draft to a refund.
fn everything() -> History {
    History::default()
        .wallet(&WalletEvent::Granted { reference: "welcome".into(), credits: 500, kind: GrantKind::Gift })
        .draft(&DraftEvent::Created { customer: CUSTOMER, method: Method::Ai, size: CoverSize::A5 })
        .draft(&DraftEvent::GenerationBegun { job: JOB, cost: 100 })
        .wallet(&WalletEvent::Reserved { job: JOB, credits: 100 })
        .job(&job_requested())
        .job(&AiJobEvent::PictureBegun { index: 0, attempt: 1 })
        .job(&generated(0))
        .wallet(&WalletEvent::Captured { job: JOB, index: 0, credits: 50 })
        .job(&AiJobEvent::PictureFailed { index: 1, reason: "refused".into() })
        .job(&AiJobEvent::Finished {
            draft: DRAFT,
            customer: CUSTOMER,
            delivered: vec![Delivered { index: 0, credits: 50 }],
            failed: 1,
        })
        .wallet(&WalletEvent::Released { job: JOB, credits: 50 })
        .draft(&DraftEvent::GenerationEnded { job: JOB, delivered: 1 })
        .draft(&DraftEvent::PictureSelected { picture: picture() })
        .draft(&DraftEvent::MessageCardChosen { card: card() })
        .draft(&DraftEvent::ShippingSet { address: personal(10) })
        .draft(&DraftEvent::Committed { order: ORDER })
        .order(&placed())
        .order(&begun(PAYMENT))
        .payment(PAYMENT, &requested())
        .payment(PAYMENT, &opened())
        .payment(PAYMENT, &captured())
        .order(&paid(PAYMENT))
        .order(&invoiced())
        .payment(PAYMENT, &PaymentEvent::RefundRequested { order: ORDER, reason: "iade".into() })
        .payment(PAYMENT, &PaymentEvent::Refunded { order: ORDER, reference: "r-1".into() })
}

/// What a table would hold after pages of this size.
fn table(model: &ReadModel, history: &History, size: usize) -> BTreeMap<String, Value> {
    let mut table: BTreeMap<String, Value> = BTreeMap::new();
    for page in history.events.chunks(size) {
        let events: Vec<Decoded<'_>> =
            page.iter().map(|(envelope, event)| Decoded { envelope, event }).collect();
        let keys = page.iter().filter_map(|(envelope, event)| (model.key_of)(envelope, event));
        let rows: Rows = keys.filter_map(|key| Some((key.clone(), Some(table.get(&key)?.clone())))).collect();
        for (key, row) in (model.fold_page)(rows, &events).unwrap() {
            match row {
                Some(row) => table.insert(key, row),
                None => table.remove(&key),
            };
        }
    }
    table
}

#[test]
fn pages_of_any_size_fold_to_the_same_rows() {
    let history = everything();
    for model in ALL {
        let at_once = table(model, &history, history.events.len());
        assert!(!at_once.is_empty(), "{}", model.name);
        for size in 1..history.events.len() {
            assert_eq!(table(model, &history, size), at_once, "{} by {size}", model.name);
        }
    }
}

#[test]
fn the_fields_of_a_row_are_the_columns_of_its_table() {
    for model in ALL {
        let columns: BTreeSet<&str> = model.columns.iter().copied().collect();
        for row in table(model, &everything(), 1).values() {
            let fields: BTreeSet<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(fields, columns, "{}", model.name);
        }
        assert!(columns.contains(model.key.0), "{}", model.name);
    }
}

#[test]
fn only_events_of_the_named_aggregates_touch_rows() {
    for model in ALL {
        for (envelope, event) in &everything().events {
            if (model.key_of)(envelope, event).is_some() {
                assert!(model.aggregates.contains(&envelope.aggregate_type.as_str()), "{}", model.name);
            }
        }
    }
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<&str> = ALL.iter().map(|model| model.name).collect();
    assert_eq!(names.len(), ALL.len());
}
