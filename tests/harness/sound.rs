//! What must hold at the end of every road, whatever failed on it: our books agree with those of the providers.

use super::{TestStack, eventually};
use serde_json::Value;
use simulators::iyzico::Ledger;
use sqlx::PgPool;
use std::collections::BTreeSet;

/// What was looked at, for assertions of the test itself.
#[derive(Debug)]
pub struct Sound {
    pub captured: usize,
    pub charged: usize,
    pub invoices: usize,
}

/// Compares the journal with the simulators' ledgers and with itself.
///
/// # Panics
/// At the first disagreement.
pub async fn assert_sound(stack: &TestStack) -> Sound {
    assert_sound_with(&stack.database.pool, &stack.providers.iyzico.as_ref().unwrap().ledger()).await
}

/// The same for a service of any kind: its database, and what the payment provider has in its books.
///
/// # Panics
/// At the first disagreement.
pub async fn assert_sound_with(pool: &PgPool, ledger: &Ledger) -> Sound {
    // The last hop of a paid order.
    eventually("every paid order has its invoice", async || {
        let (paid, issued) =
            (payloads(pool, "order", "paid").await, payloads(pool, "order", "invoice_issued").await);
        (issued.len() >= paid.len()).then_some(())
    })
    .await;
    let sound = payments(ledger, pool).await;
    orders(pool).await;
    credits(pool).await;
    invoices(pool).await;
    let verified = journal::leaf::verify(pool, 0, |_| {}).await.unwrap();
    assert!(verified.bad.is_none(), "{:?}", verified.bad);
    sound
}

async fn payloads(pool: &PgPool, aggregate: &str, event: &str) -> Vec<(String, Value)> {
    sqlx::query_as(
        "SELECT aggregate_id, payload::jsonb FROM events WHERE aggregate_type = $1 AND event_type = $2 \
         ORDER BY position",
    )
    .bind(aggregate)
    .bind(event)
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Each charge at the provider is captured here exactly once, and nothing else is.
async fn payments(ledger: &Ledger, pool: &PgPool) -> Sound {
    let mut charged = BTreeSet::new();
    for checkout in ledger.checkouts.values() {
        let Some(payment) = &checkout.payment else { continue };
        assert!(payment.charges <= 1, "charged {} times: {checkout:?}", payment.charges);
        if payment.charges == 1 {
            charged.insert(payment.id.clone());
        }
    }
    let captured: Vec<String> = payloads(pool, "payment", "captured")
        .await
        .into_iter()
        .map(|(_, payload)| payload["captured"]["provider_payment_id"].as_str().unwrap().to_owned())
        .collect();
    let distinct: BTreeSet<String> = captured.iter().cloned().collect();
    assert_eq!(distinct.len(), captured.len(), "captured twice: {captured:?}");
    assert_eq!(distinct, charged, "our captures and the provider's charges differ");
    let invoices = payloads(pool, "order", "invoice_issued").await.len();
    Sound { captured: captured.len(), charged: charged.len(), invoices }
}

/// Each captured payment made its order paid once, or went back as a surplus.
async fn orders(pool: &PgPool) {
    let paid = payloads(pool, "order", "paid").await;
    let orders: BTreeSet<&String> = paid.iter().map(|(id, _)| id).collect();
    assert_eq!(orders.len(), paid.len(), "an order was paid twice");
    let surplus = payloads(pool, "order", "surplus_received").await.len();
    let captured = payloads(pool, "payment", "captured").await.len();
    assert_eq!(paid.len() + surplus, captured, "a captured payment reached no order");
}

/// Credits add up: granted = available + reserved + captured, for each wallet, and nothing is below zero.
async fn credits(pool: &PgPool) {
    let wallets: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT aggregate_id, \
           coalesce(sum((payload->>'credits')::bigint) FILTER (WHERE event_type = 'granted'), 0)::bigint, \
           coalesce(sum((payload->>'credits')::bigint) FILTER (WHERE event_type = 'reserved'), 0)::bigint, \
           coalesce(sum((payload->>'credits')::bigint) FILTER (WHERE event_type = 'captured'), 0)::bigint, \
           coalesce(sum((payload->>'credits')::bigint) FILTER (WHERE event_type = 'released'), 0)::bigint \
         FROM events WHERE aggregate_type = 'wallet' GROUP BY aggregate_id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    for (wallet, granted, reserved, captured, released) in wallets {
        assert!(captured + released <= reserved, "wallet {wallet} settled more than it reserved");
        assert!(granted - reserved + released >= 0, "wallet {wallet} is below zero");
    }
    let grants = payloads(pool, "wallet", "granted").await;
    let wallets: BTreeSet<&String> = grants.iter().map(|(id, _)| id).collect();
    assert_eq!(wallets.len(), grants.len(), "somebody was welcomed twice");
}

/// Numbers are consecutive from 1, and every paid order has one.
async fn invoices(pool: &PgPool) {
    let mut numbers: Vec<u32> = payloads(pool, "order", "invoice_issued")
        .await
        .into_iter()
        .map(|(_, payload)| payload["invoice"]["number"].as_str().unwrap()[7..].parse().unwrap())
        .collect();
    numbers.sort_unstable();
    let expected: Vec<u32> = (1..=u32::try_from(numbers.len()).unwrap()).collect();
    assert_eq!(numbers, expected, "invoice numbers have a gap or a double");
    assert_eq!(numbers.len(), payloads(pool, "order", "paid").await.len(), "a paid order has no invoice");
}
