//! Attempts to pay. An attempt is `pending` until the provider's word is known; `in_review` waits for a person.

use crate::model::{Place, Projection};
use cqrs_es::Aggregate;
use domain::payment::{Payment, Provider, Request};
use domain::{AccountId, Event, OrderId, PaymentEvent, PaymentId};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Pending,
    Success,
    Failed,
    Refunded,
    PartiallyRefunded,
    InReview,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRow {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub order_number: String,
    pub customer_id: AccountId,
    pub provider: Provider,
    pub status: PaymentStatus,
    pub amount_cents: i64,
    pub currency: String,
    /// Once the provider's page is open; where it is, the table `checkouts` says.
    #[serde(with = "time::serde::rfc3339::option")]
    pub page_expires_at: Option<OffsetDateTime>,
    /// The provider's code, or `expired`.
    pub failure_code: Option<String>,
    pub review_reason: Option<String>,
    pub provider_payment_id: Option<String>,
    pub card: Option<String>,
    pub refund_reference: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

pub struct Payments;

impl Projection for Payments {
    const NAME: &'static str = "payments";
    const VERSION: i32 = 1;
    const AGGREGATES: &'static [&'static str] = &[Payment::TYPE];
    const KEY: (&'static str, &'static str) = ("id", "uuid");
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "order_id",
        "order_number",
        "customer_id",
        "provider",
        "status",
        "amount_cents",
        "currency",
        "page_expires_at",
        "failure_code",
        "review_reason",
        "provider_payment_id",
        "card",
        "refund_reference",
        "created_at",
        "updated_at",
    ];
    type Row = PaymentRow;

    fn key(place: &Place, event: &Event) -> Option<String> {
        match event {
            Event::Payment(PaymentEvent::CallbackReceived { .. } | PaymentEvent::CheckDue { .. }) => None,
            Event::Payment(_) => Some(place.aggregate_id.clone()),
            Event::Account(_) | Event::Wallet(_) | Event::Draft(_) | Event::AiJob(_) | Event::Order(_) => {
                None
            }
        }
    }

    fn opens(event: &Event) -> bool {
        matches!(event, Event::Payment(PaymentEvent::Requested { .. }))
    }

    fn fold(row: Option<PaymentRow>, place: &Place, event: &Event) -> Option<PaymentRow> {
        let Event::Payment(event) = event else { return row };
        if let PaymentEvent::Requested { request } = event {
            let id = place.aggregate_id.parse().ok()?;
            return Some(PaymentRow::requested(id, request, place.recorded_at));
        }
        let mut row = row?;
        row.updated_at = place.recorded_at;
        match event {
            PaymentEvent::Requested { .. }
            | PaymentEvent::CallbackReceived { .. }
            | PaymentEvent::CheckDue { .. } => {}
            PaymentEvent::CheckoutOpened { expires_at, .. } => row.page_expires_at = Some(*expires_at),
            PaymentEvent::Captured { captured, .. } => {
                row.status = PaymentStatus::Success;
                row.provider_payment_id = Some(captured.provider_payment_id.clone());
                row.card.clone_from(&captured.card);
                row.failure_code = None;
                row.review_reason = None;
            }
            PaymentEvent::Failed { code, .. } => row.fail(code),
            PaymentEvent::Expired { .. } => row.fail("expired"),
            PaymentEvent::HeldForReview { reason, provider_payment_id, .. } => {
                row.status = PaymentStatus::InReview;
                row.review_reason = Some(reason.clone());
                row.provider_payment_id.clone_from(provider_payment_id);
            }
            // Until the money is really back, the payment counts as made.
            PaymentEvent::RefundRequested { .. } => {}
            PaymentEvent::Refunded { reference, .. } => {
                row.status = PaymentStatus::Refunded;
                row.refund_reference = Some(reference.clone());
            }
        }
        Some(row)
    }
}

impl PaymentRow {
    fn requested(id: PaymentId, request: &Request, at: OffsetDateTime) -> Self {
        Self {
            id,
            order_id: request.order,
            order_number: request.order_number.clone(),
            customer_id: request.customer,
            provider: request.provider,
            status: PaymentStatus::Pending,
            amount_cents: request.amount.minor,
            currency: request.amount.currency.code().to_owned(),
            page_expires_at: None,
            failure_code: None,
            review_reason: None,
            provider_payment_id: None,
            card: None,
            refund_reference: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn fail(&mut self, code: &str) {
        self.status = PaymentStatus::Failed;
        self.failure_code = Some(code.to_owned());
        self.review_reason = None;
    }
}

/// One attempt of this customer.
pub async fn of_customer(
    executor: impl PgExecutor<'_>,
    id: PaymentId,
    customer: AccountId,
) -> Result<Option<PaymentRow>, sqlx::Error> {
    let row: Option<Json<PaymentRow>> =
        sqlx::query_scalar("SELECT to_jsonb(p) FROM read.payments p WHERE p.id = $1 AND p.customer_id = $2")
            .bind(id.0)
            .bind(customer.0)
            .fetch_optional(executor)
            .await?;
    Ok(row.map(|Json(row)| row))
}

/// The attempts to pay an order, newest first: for auditors.
pub async fn ids_of_order(
    executor: impl PgExecutor<'_>,
    order: OrderId,
) -> Result<Vec<PaymentId>, sqlx::Error> {
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT id FROM read.payments WHERE order_id = $1 ORDER BY created_at DESC, id")
            .bind(order.0)
            .fetch_all(executor)
            .await?;
    Ok(ids.into_iter().map(PaymentId).collect())
}
