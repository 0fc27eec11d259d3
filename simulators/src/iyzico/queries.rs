//! Calls that only look: retrieve, detail, report.

use serde_json::{Map, Value, json};

use super::Iyzico;
use super::envelope::{Answer, Failure, Outcome};
use super::initialize::required;
use super::ledger::Checkout;
use super::result;
use crate::world;

const RETRIEVE_SIGNED: &[&str] =
    &["paymentStatus", "paymentId", "currency", "basketId", "conversationId", "paidPrice", "price", "token"];
const DETAIL_SIGNED: &[&str] = &["paymentId", "currency", "basketId", "conversationId", "paidPrice", "price"];

/// The result of a page. A page that closed unpaid is no longer known.
pub(super) fn retrieve(provider: &Iyzico, request: &Value) -> Outcome {
    let token = required(request, "/token", "24")?;
    let checkout = provider
        .store
        .read(|ledger| ledger.checkouts.get(token).cloned())
        .filter(|checkout| !checkout.is_expired(world::now_ms()))
        .ok_or_else(|| Failure::new("5087"))?;
    let mut body = result::payment_result(&checkout);
    body.insert("token".into(), json!(checkout.token));
    body.insert("callbackUrl".into(), json!(checkout.callback_url));
    Ok(Answer { body, signed: RETRIEVE_SIGNED })
}

pub(super) fn detail(provider: &Iyzico, request: &Value) -> Outcome {
    let checkout = find(provider, request)?.ok_or_else(|| Failure::new("5087"))?;
    Ok(Answer { body: result::payment_result(&checkout), signed: DETAIL_SIGNED })
}

pub(super) fn report(provider: &Iyzico, query: &Value) -> Outcome {
    let found = find(provider, query)?;
    let payment = found.as_ref().and_then(|checkout| {
        let payment = checkout.payment.as_ref()?;
        Some(result::report(checkout, payment))
    });
    let mut body = Map::new();
    body.insert("payments".into(), Value::Array(payment.into_iter().collect()));
    Ok(Answer { body, signed: &[] })
}

fn find(provider: &Iyzico, request: &Value) -> Result<Option<Checkout>, Failure> {
    if let Some(id) = request["paymentId"].as_str().filter(|id| !id.is_empty()) {
        return Ok(provider.store.read(|ledger| ledger.by_payment(id).cloned()));
    }
    let id = required(request, "/paymentConversationId", "24")?;
    Ok(provider.store.read(|ledger| ledger.by_conversation(id).cloned()))
}
