use super::history::*;
use crate::ai_jobs::{AiJobStatus, AiJobs};
use crate::drafts::{Drafts, WorkflowStatus};
use crate::invoices::Invoices;
use crate::model::Projection;
use crate::orders::{OrderStatus, Orders};
use crate::payments::{PaymentStatus, Payments};
use crate::wallet_entries::{EntryKind, WalletEntries};
use crate::wallets::Wallets;
use domain::draft::{CoverSize, Method};
use domain::wallet::{Delivered, GrantKind};
use domain::{AiJobEvent, DraftEvent, OrderEvent, PaymentEvent, WalletEvent};
use std::collections::BTreeMap;

/// Every row that the history leads to, by key.
pub fn rows<P: Projection>(history: &History) -> BTreeMap<String, P::Row> {
    let mut rows = BTreeMap::new();
    for (place, event) in &history.events {
        let Some(key) = P::key(place, event) else { continue };
        if let Some(row) = P::fold(rows.remove(&key), place, event) {
            rows.insert(key, row);
        }
    }
    rows
}

fn only<P: Projection>(history: &History) -> P::Row {
    let mut rows = rows::<P>(history);
    assert_eq!(rows.len(), 1);
    rows.pop_first().unwrap().1
}

#[test]
fn an_order_is_pending_until_it_is_paid_even_after_a_failed_attempt() {
    let history = History::default().order(&placed());
    assert_eq!(only::<Orders>(&history).status, OrderStatus::Pending);
    let history = history.order(&begun(PAYMENT));
    assert_eq!(only::<Orders>(&history).open_payment_id, Some(PAYMENT));
    let history = history.order(&OrderEvent::PaymentEnded { payment: PAYMENT });
    let row = only::<Orders>(&history);
    assert_eq!((row.status, row.open_payment_id), (OrderStatus::Pending, None));
    let history = history.order(&begun(OTHER_PAYMENT)).order(&paid(OTHER_PAYMENT)).order(&invoiced());
    let row = only::<Orders>(&history);
    assert_eq!(
        (row.status, row.payment_id, row.paid_at),
        (OrderStatus::Paid, Some(OTHER_PAYMENT), Some(at(5)))
    );
    assert_eq!(row.invoice_number.as_deref(), Some("PLK2026000000001"));
    assert_eq!((row.total_cents, row.created_at, row.updated_at), (21_900, at(1), at(6)));
}

#[test]
fn a_canceled_and_an_expired_order_say_why() {
    let reason = Some("vazgeçtim".to_owned());
    let canceled =
        History::default().order(&placed()).order(&OrderEvent::Canceled { reason: reason.clone() });
    let row = only::<Orders>(&canceled);
    assert_eq!((row.status, row.cancel_reason), (OrderStatus::Canceled, reason));
    let row = only::<Orders>(&History::default().order(&placed()).order(&OrderEvent::Expired));
    assert_eq!((row.status, row.cancel_reason.as_deref()), (OrderStatus::Canceled, Some("expired")));
}

#[test]
fn only_the_refund_of_the_payment_that_paid_it_makes_an_order_refunded() {
    let refunded = PaymentEvent::Refunded { order: ORDER, reference: "r".into() };
    let history = History::default().order(&placed()).order(&begun(PAYMENT)).order(&paid(PAYMENT));
    let history = history.payment(OTHER_PAYMENT, &refunded);
    assert_eq!(only::<Orders>(&history).status, OrderStatus::Paid, "a surplus went back");
    assert_eq!(only::<Orders>(&history.payment(PAYMENT, &refunded)).status, OrderStatus::Refunded);
}

#[test]
fn a_payment_follows_the_providers_word_and_never_shows_its_token() {
    let history = History::default().payment(PAYMENT, &requested()).payment(PAYMENT, &opened());
    let row = only::<Payments>(&history);
    assert_eq!((row.status, row.page_expires_at.is_some()), (PaymentStatus::Pending, true));

    let failed = history.payment(PAYMENT, &PaymentEvent::Failed { order: ORDER, code: "10051".into() });
    let row = only::<Payments>(&failed);
    assert_eq!((row.status, row.failure_code.as_deref()), (PaymentStatus::Failed, Some("10051")));
    let late = failed.payment(PAYMENT, &captured());
    let row = only::<Payments>(&late);
    assert_eq!(
        (row.status, row.failure_code),
        (PaymentStatus::Success, None),
        "a late capture beats our closing"
    );
    let back = late.payment(PAYMENT, &PaymentEvent::RefundRequested { order: ORDER, reason: "x".into() });
    assert_eq!(only::<Payments>(&back).status, PaymentStatus::Success);
    let back = back.payment(PAYMENT, &PaymentEvent::Refunded { order: ORDER, reference: "r".into() });
    assert_eq!(only::<Payments>(&back).status, PaymentStatus::Refunded);
}

#[test]
fn a_payment_in_review_says_so_until_it_is_decided() {
    let held = PaymentEvent::HeldForReview {
        order: ORDER,
        reason: "fraud_review".into(),
        provider_payment_id: Some("77".into()),
    };
    let history = History::default().payment(PAYMENT, &requested()).payment(PAYMENT, &held);
    let history = history.payment(PAYMENT, &PaymentEvent::CheckDue { round: 1 });
    assert_eq!(only::<Payments>(&history).status, PaymentStatus::InReview);
    let row = only::<Payments>(&history.payment(PAYMENT, &captured()));
    assert_eq!((row.status, row.review_reason), (PaymentStatus::Success, None));
}

#[test]
fn an_invoice_adds_up_and_knows_its_order() {
    let history = History::default().order(&placed()).order(&paid(PAYMENT)).order(&invoiced());
    let row = only::<Invoices>(&history);
    assert_eq!((row.order_id, row.customer_id, row.payment_id), (ORDER, CUSTOMER, PAYMENT));
    assert_eq!(row.net_cents + row.vat_cents, row.gross_cents);
    assert_eq!((row.gross_cents, row.issued_on.as_str()), (21_900, "2026-11-24"));
}

fn finished(delivered: Vec<Delivered>) -> AiJobEvent {
    let failed = 2 - u8::try_from(delivered.len()).unwrap();
    AiJobEvent::Finished { draft: DRAFT, customer: CUSTOMER, delivered, failed }
}

#[test]
fn a_job_that_delivers_one_of_two_pictures_is_completed() {
    let failure = AiJobEvent::PictureFailed { index: 0, reason: "content_refused".into() };
    let history = History::default().job(&job_requested());
    assert_eq!(only::<AiJobs>(&history).status, AiJobStatus::Queued);
    let history = history.job(&AiJobEvent::PictureBegun { index: 0, attempt: 1 });
    assert_eq!(only::<AiJobs>(&history).status, AiJobStatus::Running);
    let history = history.job(&failure).job(&generated(1));
    let row = only::<AiJobs>(&history.job(&finished(vec![Delivered { index: 1, credits: 50 }])));
    assert_eq!((row.status, row.finished_at), (AiJobStatus::Completed, Some(at(5))));
    assert_eq!((row.images.len(), row.failures.len(), row.seed), (1, 1, u32::MAX));
}

#[test]
fn a_job_that_delivers_nothing_has_failed() {
    let history = History::default().job(&job_requested()).job(&finished(vec![]));
    assert_eq!(only::<AiJobs>(&history).status, AiJobStatus::Failed);
}

fn credits() -> History {
    let gift = WalletEvent::Granted { reference: "welcome".into(), credits: 500, kind: GrantKind::Gift };
    History::default()
        .wallet(&gift)
        .wallet(&WalletEvent::Reserved { job: JOB, credits: 100 })
        .wallet(&WalletEvent::Captured { job: JOB, index: 0, credits: 50 })
        .wallet(&WalletEvent::Released { job: JOB, credits: 50 })
}

#[test]
fn the_entries_of_a_wallet_add_up_to_what_can_be_spent() {
    let history = credits();
    for length in 0..=history.events.len() {
        let part = History { events: history.events[..length].to_vec() };
        let sum: i64 = rows::<WalletEntries>(&part).values().map(|entry| entry.delta).sum();
        let wallet = rows::<Wallets>(&part).pop_first().map(|(_, row)| row);
        assert_eq!(wallet.map_or(0, |wallet| wallet.available), sum);
    }
    let wallet = only::<Wallets>(&history);
    assert_eq!((wallet.available, wallet.reserved, wallet.entries), (450, 0, 3));
    assert_eq!((wallet.gifted, wallet.purchased, wallet.spent, wallet.refunded), (500, 0, 100, 50));
}

#[test]
fn a_reservation_is_a_spend_and_what_comes_back_a_refund() {
    let entries = rows::<WalletEntries>(&credits());
    let mut entries: Vec<_> = entries.into_values().collect();
    entries.sort_by_key(|entry| entry.position);
    let shown: Vec<_> = entries.iter().map(|entry| (entry.position, entry.kind, entry.delta)).collect();
    assert_eq!(shown, [(1, EntryKind::Gift, 500), (2, EntryKind::Spend, -100), (4, EntryKind::Refund, 50)]);
    assert_eq!(entries[2].reference, JOB.to_string());
}

#[test]
fn a_draft_remembers_what_was_chosen_and_counts_successful_generations() {
    let created = DraftEvent::Created { customer: CUSTOMER, method: Method::Ai, size: CoverSize::A4 };
    let history = History::default()
        .draft(&created)
        .draft(&DraftEvent::GenerationBegun { job: JOB, cost: 100 })
        .draft(&DraftEvent::GenerationEnded { job: JOB, delivered: 0 })
        .draft(&DraftEvent::GenerationBegun { job: JOB, cost: 100 })
        .draft(&DraftEvent::GenerationEnded { job: JOB, delivered: 2 })
        .draft(&DraftEvent::PictureSelected { picture: picture() })
        .draft(&DraftEvent::MessageCardChosen { card: card() })
        .draft(&DraftEvent::ShippingSet { address: personal(10) });
    let row = only::<Drafts>(&history);
    assert_eq!((row.generations, row.generating, row.picture), (1, None, Some(picture())));
    assert_eq!((row.message_card, row.shipping, row.billing), (Some(card()), Some(personal(10)), None));
    let row = only::<Drafts>(&history.draft(&DraftEvent::Committed { order: ORDER }));
    assert_eq!((row.order_id, row.committed_at), (Some(ORDER), Some(at(9))));
    assert_eq!(row.workflow_status, WorkflowStatus::Pending);
}
