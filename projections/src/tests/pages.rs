use super::history::*;
use crate::ALL;
use crate::fold::{Decoded, Folded};
use crate::model::{Projection, ReadModel};
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

type Rows = BTreeMap<String, BTreeMap<String, Value>>;

/// What a table would hold after pages of this size; rows that an event opens are not shown to it.
fn table(model: &ReadModel, history: &History, size: usize) -> Rows {
    let mut table = Rows::new();
    for page in history.events.chunks(size) {
        let events: Vec<Decoded<'_>> = page
            .iter()
            .filter_map(|(place, event)| Some(Decoded { key: (model.key_of)(place, event)?, place, event }))
            .collect();
        let mut stored: BTreeMap<String, String> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for Decoded { key, event, .. } in &events {
            if seen.insert(key) && !(model.opens)(event) {
                let row = table.get(key).map(|row| serde_json::to_string(row).unwrap());
                stored.extend(row.map(|row| (key.clone(), row)));
            }
        }
        let folded = (model.fold_page)(stored.into_iter().collect(), &events, false).unwrap();
        for key in folded.gone {
            table.remove(&key);
        }
        for row in 0..folded.rows {
            let fields = model.columns.iter().zip(&folded.columns);
            let row: BTreeMap<String, Value> =
                fields.map(|(name, column)| ((*name).to_owned(), json(column[row].as_ref()))).collect();
            table.insert(text(&row[model.key.0]), row);
        }
    }
    table
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As the database gives a column back: texts that are no JSON of their own are strings.
fn json(text: Option<&String>) -> Value {
    let Some(text) = text else { return Value::Null };
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => Value::String(text.clone()),
    }
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
fn the_key_is_one_of_the_columns() {
    for model in ALL {
        assert!(model.columns.contains(&model.key.0), "{}", model.name);
    }
}

fn opens_whatever_was_there<P: Projection<Row: PartialEq + std::fmt::Debug + Clone>>() {
    let history = everything();
    let mut opened = 0;
    let mut rows: Vec<P::Row> = Vec::new();
    for (place, event) in &history.events {
        if P::key(place, event).is_none() {
            continue;
        }
        let alone = P::fold(None, place, event);
        if P::opens(event) {
            opened += 1;
            for before in &rows {
                assert_eq!(P::fold(Some(before.clone()), place, event), alone, "{} at {place:?}", P::NAME);
            }
        }
        let next = P::fold(rows.last().cloned(), place, event);
        rows.extend(next);
    }
    assert!(opened > 0, "{}: nothing opens a row", P::NAME);
}

#[test]
fn an_event_that_opens_a_row_does_not_look_at_what_was_there() {
    opens_whatever_was_there::<crate::orders::Orders>();
    opens_whatever_was_there::<crate::payments::Payments>();
    opens_whatever_was_there::<crate::invoices::Invoices>();
    opens_whatever_was_there::<crate::ai_jobs::AiJobs>();
    opens_whatever_was_there::<crate::wallet_entries::WalletEntries>();
    opens_whatever_was_there::<crate::drafts::Drafts>();
}

#[test]
fn rows_leave_as_texts_that_input_functions_read() {
    #[derive(serde::Serialize)]
    struct Row {
        text: &'static str,
        number: i64,
        nothing: Option<i64>,
        list: Vec<u8>,
    }
    let row = Row { text: "a \"b\" \\ ü\n", number: -7, nothing: None, list: vec![1, 2] };
    let mut folded = Folded { columns: vec![Vec::new(); 4], ..Folded::default() };
    // Not in the order of the fields.
    folded.add(&["number", "text", "list", "nothing"], &row).unwrap();
    let texts: Vec<Option<&str>> = folded.columns.iter().map(|column| column[0].as_deref()).collect();
    assert_eq!(texts, [Some("-7"), Some("a \"b\" \\ ü\n"), Some("[1,2]"), None]);
    folded.add(&["number", "text", "list"], &row).unwrap_err();
    folded.add(&["number", "text", "list", "nothing", "more"], &row).unwrap_err();
}

#[test]
fn only_events_of_the_named_aggregates_touch_rows() {
    for model in ALL {
        for (place, event) in &everything().events {
            if (model.key_of)(place, event).is_some() {
                assert!(model.aggregates.contains(&place.aggregate_type.as_str()), "{}", model.name);
            }
        }
    }
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<&str> = ALL.iter().map(|model| model.name).collect();
    assert_eq!(names.len(), ALL.len());
}
