//! Orders as their buyers see them.
//!
//! The wire's `status` is `pending`, `paid`, `canceled` (also what expired, with the reason `expired`) or
//! `refunded`. A failed attempt leaves an order `pending`: it can still be paid. A surplus that goes back changes
//! nothing. `failed` and `partially_refunded` are words of the wire that nothing leads to yet.

use crate::model::{Place, Projection};
use crate::payments::PaymentRow;
use crate::{Listed, Slice};
use cqrs_es::Aggregate;
use domain::draft::{CoverSize, Method, Picture};
use domain::order::{Line, Order, Placement};
use domain::payment::Payment;
use domain::{AccountId, DraftId, Event, OrderEvent, OrderId, PaymentEvent, PaymentId, PersonalRef};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Pending,
    Paid,
    Failed,
    Canceled,
    Refunded,
    PartiallyRefunded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fulfilment {
    Unfulfilled,
    InProduction,
    Shipped,
    Delivered,
    Returned,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    pub id: OrderId,
    pub number: String,
    pub customer_id: AccountId,
    pub draft_id: DraftId,
    pub method: Method,
    pub size: CoverSize,
    pub status: OrderStatus,
    pub fulfilment: Fulfilment,
    pub total_cents: i64,
    pub currency: String,
    pub lines: Vec<Line>,
    pub picture: Picture,
    pub shipping: PersonalRef,
    pub billing: PersonalRef,
    pub message: Option<PersonalRef>,
    pub cancel_reason: Option<String>,
    /// The attempt that is under way.
    pub open_payment_id: Option<PaymentId>,
    /// The attempt that brought the money.
    pub payment_id: Option<PaymentId>,
    pub invoice_number: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub paid_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

pub struct Orders;

impl Projection for Orders {
    const NAME: &'static str = "orders";
    const VERSION: i32 = 1;
    const AGGREGATES: &'static [&'static str] = &[Order::TYPE, Payment::TYPE];
    const KEY: (&'static str, &'static str) = ("id", "uuid");
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "number",
        "customer_id",
        "draft_id",
        "method",
        "size",
        "status",
        "fulfilment",
        "total_cents",
        "currency",
        "lines",
        "picture",
        "shipping",
        "billing",
        "message",
        "cancel_reason",
        "open_payment_id",
        "payment_id",
        "invoice_number",
        "created_at",
        "paid_at",
        "updated_at",
    ];
    type Row = OrderRow;

    fn key(place: &Place, event: &Event) -> Option<String> {
        match event {
            Event::Order(_) => Some(place.aggregate_id.clone()),
            Event::Payment(PaymentEvent::Refunded { order, .. }) => Some(order.to_string()),
            Event::Payment(_) | Event::Account(_) | Event::Wallet(_) | Event::Draft(_) | Event::AiJob(_) => {
                None
            }
        }
    }

    fn opens(event: &Event) -> bool {
        matches!(event, Event::Order(OrderEvent::Placed { .. }))
    }

    fn fold(row: Option<OrderRow>, place: &Place, event: &Event) -> Option<OrderRow> {
        let event = match event {
            Event::Order(event) => event,
            Event::Payment(PaymentEvent::Refunded { .. }) => return Some(row?.refunded(place)),
            Event::Payment(_) | Event::Account(_) | Event::Wallet(_) | Event::Draft(_) | Event::AiJob(_) => {
                return row;
            }
        };
        if let OrderEvent::Placed { placement } = event {
            let id = place.aggregate_id.parse().ok()?;
            return Some(OrderRow::placed(id, placement, place.recorded_at));
        }
        let mut row = row?;
        row.updated_at = place.recorded_at;
        match event {
            OrderEvent::Placed { .. } => {}
            OrderEvent::PaymentBegun { payment } => row.open_payment_id = Some(*payment),
            OrderEvent::PaymentEnded { .. } => row.open_payment_id = None,
            OrderEvent::Paid { payment, .. } => {
                row.status = OrderStatus::Paid;
                row.payment_id = Some(*payment);
                row.open_payment_id = None;
                row.paid_at = Some(place.recorded_at);
            }
            // It goes back; the order stays as it is.
            OrderEvent::SurplusReceived { .. } => {}
            OrderEvent::InvoiceIssued { invoice } => row.invoice_number = Some(invoice.number.clone()),
            OrderEvent::Canceled { reason } => row.close(reason.clone()),
            OrderEvent::Expired => row.close(Some("expired".to_owned())),
        }
        Some(row)
    }
}

impl OrderRow {
    fn placed(id: OrderId, placement: &Placement, at: OffsetDateTime) -> Self {
        let agreed = placement.clone();
        Self {
            id,
            number: agreed.number,
            customer_id: agreed.customer,
            draft_id: agreed.draft,
            method: agreed.method,
            size: agreed.size,
            status: OrderStatus::Pending,
            fulfilment: Fulfilment::Unfulfilled,
            total_cents: agreed.total.minor,
            currency: agreed.total.currency.code().to_owned(),
            lines: agreed.lines,
            picture: agreed.picture,
            shipping: agreed.shipping,
            billing: agreed.billing,
            message: agreed.message,
            cancel_reason: None,
            open_payment_id: None,
            payment_id: None,
            invoice_number: None,
            created_at: at,
            paid_at: None,
            updated_at: at,
        }
    }

    /// The money that paid it went back.
    fn refunded(mut self, place: &Place) -> Self {
        if self.payment_id.is_some_and(|payment| payment.to_string() == place.aggregate_id) {
            self.status = OrderStatus::Refunded;
            self.updated_at = place.recorded_at;
        }
        self
    }

    fn close(&mut self, reason: Option<String>) {
        self.status = OrderStatus::Canceled;
        self.cancel_reason = reason;
        self.open_payment_id = None;
    }
}

/// An order together with its attempts to pay it, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderWithPayments {
    pub order: OrderRow,
    pub payments: Vec<PaymentRow>,
}

/// `$filter` selects among `o`; the payments come along in the same statement.
macro_rules! with_payments {
    ($filter:literal) => {
        concat!(
            "SELECT to_jsonb(o), coalesce((SELECT jsonb_agg(to_jsonb(p) ORDER BY p.created_at DESC, p.id) \
             FROM read.payments p WHERE p.order_id = o.id), '[]') FROM read.orders o WHERE ",
            $filter
        )
    };
}

type Found = (Json<OrderRow>, Json<Vec<PaymentRow>>);

fn joined((Json(order), Json(payments)): Found) -> OrderWithPayments {
    OrderWithPayments { order, payments }
}

/// One order of this customer.
pub async fn of_customer(
    executor: impl PgExecutor<'_>,
    id: OrderId,
    customer: AccountId,
) -> Result<Option<OrderWithPayments>, sqlx::Error> {
    let found: Option<Found> = sqlx::query_as(with_payments!("o.id = $1 AND o.customer_id = $2"))
        .bind(id.0)
        .bind(customer.0)
        .fetch_optional(executor)
        .await?;
    Ok(found.map(joined))
}

/// Orders of this customer, newest first.
pub async fn list_of_customer(
    executor: impl PgExecutor<'_> + Copy,
    customer: AccountId,
    slice: Slice,
) -> Result<Listed<OrderWithPayments>, sqlx::Error> {
    let found: Vec<Found> = sqlx::query_as(with_payments!(
        "o.customer_id = $1 ORDER BY o.created_at DESC, o.id LIMIT $2 OFFSET $3"
    ))
    .bind(customer.0)
    .bind(slice.limit)
    .bind(slice.offset)
    .fetch_all(executor)
    .await?;
    let total = count_of_customer(executor, customer).await?;
    Ok(Listed { items: found.into_iter().map(joined).collect(), total })
}

async fn count_of_customer(executor: impl PgExecutor<'_>, customer: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM read.orders WHERE customer_id = $1")
        .bind(customer.0)
        .fetch_one(executor)
        .await
}

/// One order, whoever asks: for auditors.
pub async fn find(executor: impl PgExecutor<'_>, id: OrderId) -> Result<Option<OrderRow>, sqlx::Error> {
    let row: Option<Json<OrderRow>> =
        sqlx::query_scalar("SELECT to_jsonb(o) FROM read.orders o WHERE o.id = $1")
            .bind(id.0)
            .fetch_optional(executor)
            .await?;
    Ok(row.map(|Json(row)| row))
}

/// The customer's paid order that was made from this draft, if there is one.
pub async fn paid_from_draft(
    executor: impl PgExecutor<'_>,
    draft: DraftId,
    customer: AccountId,
) -> Result<Option<OrderRow>, sqlx::Error> {
    let row: Option<Json<OrderRow>> = sqlx::query_scalar(
        "SELECT to_jsonb(o) FROM read.orders o WHERE o.draft_id = $1 AND o.customer_id = $2 AND o.status = 'paid'",
    )
    .bind(draft.0)
    .bind(customer.0)
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|Json(row)| row))
}
