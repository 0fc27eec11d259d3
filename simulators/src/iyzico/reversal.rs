//! Giving money back: cancel the whole payment on its day, or refund parts of lines later.

use std::io;

use serde_json::{Map, Value, json};

use super::Iyzico;
use super::amount::Amount;
use super::envelope::{Answer, Failure, Outcome};
use super::initialize::{amount, required};
use super::ledger::{Change, Checkout, Fate, Ledger, Payment, Refund, Status};
use crate::world;

const REFUND_SIGNED: &[&str] = &["paymentId", "price", "currency", "conversationId"];
/// The published lists have no code for "given back already"; this one says that the request
/// makes no sense for the transaction.
const ALREADY_REVERSED: &str = "10012";

pub(super) fn cancel(provider: &Iyzico, request: &Value) -> io::Result<Outcome> {
    let id = match required(request, "/paymentId", "24") {
        Ok(id) => id,
        Err(failure) => return Ok(Err(failure)),
    };
    provider.store.commit(|ledger| match decide_cancel(ledger, id) {
        Ok((checkout, answer)) => (vec![Change::Checkout(Box::new(checkout))], Ok(answer)),
        Err(failure) => (Vec::new(), Err(failure)),
    })
}

fn decide_cancel(ledger: &Ledger, id: &str) -> Result<(Checkout, Answer), Failure> {
    let mut checkout = ledger.by_payment(id).cloned().ok_or_else(|| Failure::new("5087"))?;
    let refunded = checkout.lines.iter().any(|line| !line.refunds.is_empty());
    let now_ms = world::now_ms();
    let payment = paid(&mut checkout)?;
    if refunded || payment.cancelled_ms.is_some() {
        return Err(Failure::new(ALREADY_REVERSED));
    }
    let paid_ms = payment.decided_ms.unwrap_or(now_ms);
    if world::istanbul_day(paid_ms) != world::istanbul_day(now_ms) {
        return Err(Failure::new("10223"));
    }
    payment.cancelled_ms = Some(now_ms);
    let mut body = references(payment);
    body.insert("cancelHostReference".into(), json!(world::nine_digits()));
    body.insert("price".into(), checkout.paid_price.to_json());
    body.insert("currency".into(), json!(checkout.currency));
    Ok((checkout, Answer { body, signed: &[] }))
}

pub(super) fn refund(provider: &Iyzico, request: &Value) -> io::Result<Outcome> {
    let wanted = required(request, "/paymentTransactionId", "24")
        .and_then(|id| amount(request, "/price").map(|price| (id, price)));
    let (id, price) = match wanted {
        Ok(wanted) => wanted,
        Err(failure) => return Ok(Err(failure)),
    };
    let currency = request["currency"].as_str();
    provider.store.commit(|ledger| match decide_refund(ledger, id, price, currency) {
        Ok((checkout, answer)) => (vec![Change::Checkout(Box::new(checkout))], Ok(answer)),
        Err(failure) => {
            let failure = failure
                .with("paymentTransactionId", json!(id))
                .with("price", price.to_json())
                .with("retryable", json!(false));
            (Vec::new(), Err(failure))
        }
    })
}

fn decide_refund(
    ledger: &Ledger,
    id: &str,
    price: Amount,
    currency: Option<&str>,
) -> Result<(Checkout, Answer), Failure> {
    let has_line = |checkout: &&Checkout| checkout.lines.iter().any(|line| line.transaction_id == id);
    let found = ledger.checkouts.values().find(has_line);
    let mut checkout = found.cloned().ok_or_else(|| Failure::new("5087"))?;
    if currency.is_some_and(|currency| currency != checkout.currency) {
        return Err(Failure::new("5005"));
    }
    let payment = paid(&mut checkout)?;
    if payment.cancelled_ms.is_some() {
        return Err(Failure::new(ALREADY_REVERSED));
    }
    let refund = Refund { id: world::nine_digits(), price, at_ms: world::now_ms() };
    let mut body = references(payment);
    body.insert("refundHostReference".into(), json!(refund.id));
    body.insert("paymentTransactionId".into(), json!(id));
    body.insert("price".into(), price.to_json());
    body.insert("currency".into(), json!(checkout.currency));
    body.insert("retryable".into(), json!(false));
    for line in checkout.lines.iter_mut().filter(|line| line.transaction_id == id) {
        if line.refunded().0 + price.0 > line.paid_price.0 {
            return Err(Failure::new("10232"));
        }
        line.refunds.push(refund.clone());
    }
    Ok((checkout, Answer { body, signed: REFUND_SIGNED }))
}

/// Only money that was taken can be given back, and one published card never does.
fn paid(checkout: &mut Checkout) -> Result<&mut Payment, Failure> {
    let payment = checkout.payment.as_mut().ok_or_else(|| Failure::new("5087"))?;
    if payment.status != Status::Success || payment.fate == Fate::PaidForGood {
        return Err(Failure::new("10012").with("paymentId", json!(payment.id)));
    }
    Ok(payment)
}

fn references(payment: &Payment) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("paymentId".into(), json!(payment.id));
    body.insert("authCode".into(), json!(payment.auth_code));
    body.insert("hostReference".into(), json!(payment.host_reference));
    body
}
