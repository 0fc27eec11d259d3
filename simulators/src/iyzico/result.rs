//! A payment as retrieve, detail and reports show it.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::amount::Amount;
use super::envelope;
use super::ledger::{Checkout, Line, Payment, Status};

const DAY_MS: i64 = 86_400_000;
/// What the provider keeps, in thousandths; close to a usual contract.
const COMMISSION_PER_MILLE: i64 = 29;
const FEE: Amount = Amount(25);

/// The common part of the answers to retrieve and detail.
pub(super) fn payment_result(checkout: &Checkout) -> Map<String, Value> {
    let mut body = Map::new();
    put(&mut body, "price", checkout.price.to_json());
    put(&mut body, "paidPrice", checkout.paid_price.to_json());
    put(&mut body, "currency", json!(checkout.currency));
    put(&mut body, "installment", json!(1));
    if let Some(basket_id) = &checkout.basket_id {
        put(&mut body, "basketId", json!(basket_id));
    }
    // No card yet: there is a page, but nothing that could have been charged.
    let status = checkout.payment.as_ref().map_or(Status::InitThreeds, |payment| payment.status);
    put(&mut body, "paymentStatus", json!(status.name()));
    if let Some(payment) = &checkout.payment {
        describe(&mut body, checkout, payment);
    }
    body
}

fn describe(body: &mut Map<String, Value>, checkout: &Checkout, payment: &Payment) {
    put(body, "paymentId", json!(payment.id));
    put(body, "binNumber", json!(payment.card.bin_number));
    put(body, "lastFourDigits", json!(payment.card.last_four_digits));
    put(body, "cardType", json!(payment.card.card_type));
    put(body, "cardAssociation", json!(payment.card.card_association));
    put(body, "cardFamily", json!(payment.card.card_family));
    if let Some(md_status) = payment.md_status {
        put(body, "mdStatus", json!(md_status));
    }
    match payment.status {
        Status::Success => paid(body, checkout, payment),
        Status::Failure => failed(body, payment),
        Status::InitThreeds | Status::CallbackThreeds => {}
    }
}

fn paid(body: &mut Map<String, Value>, checkout: &Checkout, payment: &Payment) {
    put(body, "fraudStatus", json!(payment.fraud_status));
    put(body, "phase", json!("AUTH"));
    put(body, "authCode", json!(payment.auth_code));
    put(body, "hostReference", json!(payment.host_reference));
    put(body, "merchantCommissionRate", json!(0.0));
    put(body, "merchantCommissionRateAmount", json!(0.0));
    put(body, "iyziCommissionRateAmount", commission(checkout.paid_price).to_json());
    put(body, "iyziCommissionFee", FEE.to_json());
    let items: Vec<Value> = checkout.lines.iter().map(|line| item(checkout, payment, line)).collect();
    put(body, "itemTransactions", Value::Array(items));
}

/// Failed payments come without `fraudStatus`, which has surprised integrators.
fn failed(body: &mut Map<String, Value>, payment: &Payment) {
    let code = payment.error_code.as_deref().unwrap_or("10202");
    put(body, "errorCode", json!(code));
    put(body, "errorMessage", json!(envelope::message(code, "tr")));
    put(body, "errorGroup", json!(envelope::group(code)));
}

fn item(checkout: &Checkout, payment: &Payment, line: &Line) -> Value {
    let transaction_status = match payment.fraud_status {
        1 => 2,
        other => other,
    };
    let payout = Amount(line.paid_price.0 - commission(line.paid_price).0);
    json!({
        "itemId": line.id,
        "paymentTransactionId": line.transaction_id,
        "transactionStatus": transaction_status,
        "price": line.price.to_json(),
        "paidPrice": line.paid_price.to_json(),
        "merchantCommissionRate": 0.0,
        "merchantCommissionRateAmount": 0.0,
        "iyziCommissionRateAmount": commission(line.paid_price).to_json(),
        "iyziCommissionFee": Amount(0).to_json(),
        "blockageRate": 0.0,
        "blockageResolvedDate": date(payment.decided_ms.unwrap_or_default() + DAY_MS),
        "merchantPayoutAmount": payout.to_json(),
        "convertedPayout": {
            "paidPrice": line.paid_price.to_json(),
            "merchantPayoutAmount": payout.to_json(),
            "iyziConversionRate": 0,
            "iyziConversionRateAmount": 0,
            "currency": checkout.currency,
        },
    })
}

fn commission(paid: Amount) -> Amount {
    Amount(paid.0 * COMMISSION_PER_MILLE / 1000)
}

/// A payment in `/v2/reporting/payment/details`.
pub(super) fn report(checkout: &Checkout, payment: &Payment) -> Value {
    let refunded: i64 = checkout.lines.iter().map(|line| line.refunded().0).sum();
    let refund_status = match refunded {
        0 => "NOT_REFUNDED",
        all if all >= checkout.paid_price.0 => "TOTALLY_REFUNDED",
        _ => "PARTIALLY_REFUNDED",
    };
    let cancels: Vec<Value> = payment
        .cancelled_ms
        .map(|at| json!({ "cancelPrice": checkout.paid_price.to_json(), "cancelStatus": 1, "createdDate": date(at) }))
        .into_iter()
        .collect();
    json!({
        "paymentId": payment.id,
        "paymentConversationId": checkout.conversation_id,
        "basketId": checkout.basket_id,
        "paymentStatus": payment.status.number(),
        "paymentRefundStatus": refund_status,
        "price": checkout.price.to_json(),
        "paidPrice": checkout.paid_price.to_json(),
        "currency": checkout.currency,
        "installment": 1,
        "fraudStatus": payment.fraud_status,
        "createdDate": date(checkout.created_ms),
        "cancels": cancels,
        "itemTransactions": checkout.lines.iter().map(|line| reported_line(checkout, line)).collect::<Vec<_>>(),
    })
}

fn reported_line(checkout: &Checkout, line: &Line) -> Value {
    let refunds: Vec<Value> = line
        .refunds
        .iter()
        .map(|refund| {
            json!({
                "refundTxId": refund.id,
                "refundPrice": refund.price.to_json(),
                "refundStatus": 1,
                "isAfterSettlement": false,
                "createdDate": date(refund.at_ms),
                "currencyCode": checkout.currency,
            })
        })
        .collect();
    json!({
        "paymentTransactionId": line.transaction_id,
        "itemId": line.id,
        "price": line.price.to_json(),
        "paidPrice": line.paid_price.to_json(),
        "refunds": refunds,
    })
}

fn date(ms: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let moment = OffsetDateTime::from_unix_timestamp(ms / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.to_offset(time::macros::offset!(+3)).format(format).unwrap_or_default()
}

fn put(body: &mut Map<String, Value>, field: &str, value: Value) {
    body.insert(field.to_owned(), value);
}
