//! Issued invoices.

use crate::model::{Place, Projection};
use crate::{Listed, Slice};
use cqrs_es::Aggregate;
use domain::order::{InvoiceLine, Order};
use domain::{AccountId, Event, OrderEvent, OrderId, PaymentId};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceRow {
    pub number: String,
    pub order_id: OrderId,
    pub customer_id: AccountId,
    pub payment_id: PaymentId,
    pub lines: Vec<InvoiceLine>,
    pub net_cents: i64,
    pub vat_cents: i64,
    pub gross_cents: i64,
    pub currency: String,
    /// Istanbul's date, `YYYY-MM-DD`.
    pub issued_on: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

pub struct Invoices;

impl Projection for Invoices {
    const NAME: &'static str = "invoices";
    const VERSION: i32 = 1;
    const AGGREGATES: &'static [&'static str] = &[Order::TYPE];
    const KEY: (&'static str, &'static str) = ("number", "text");
    const COLUMNS: &'static [&'static str] = &[
        "number",
        "order_id",
        "customer_id",
        "payment_id",
        "lines",
        "net_cents",
        "vat_cents",
        "gross_cents",
        "currency",
        "issued_on",
        "created_at",
    ];
    type Row = InvoiceRow;

    fn key(_: &Place, event: &Event) -> Option<String> {
        let Event::Order(OrderEvent::InvoiceIssued { invoice }) = event else { return None };
        Some(invoice.number.clone())
    }

    fn opens(event: &Event) -> bool {
        matches!(event, Event::Order(OrderEvent::InvoiceIssued { .. }))
    }

    fn fold(row: Option<InvoiceRow>, place: &Place, event: &Event) -> Option<InvoiceRow> {
        let Event::Order(OrderEvent::InvoiceIssued { invoice }) = event else { return row };
        Some(InvoiceRow {
            number: invoice.number.clone(),
            order_id: place.aggregate_id.parse().ok()?,
            customer_id: invoice.customer,
            payment_id: invoice.payment,
            lines: invoice.lines.clone(),
            net_cents: invoice.net.minor,
            vat_cents: invoice.vat.minor,
            gross_cents: invoice.gross.minor,
            currency: invoice.gross.currency.code().to_owned(),
            issued_on: invoice.issued_on.clone(),
            created_at: place.recorded_at,
        })
    }
}

/// An invoice and the number of the order that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceOfOrder {
    pub invoice: InvoiceRow,
    pub order_number: String,
}

type Found = (Json<InvoiceRow>, String);

fn joined((Json(invoice), order_number): Found) -> InvoiceOfOrder {
    InvoiceOfOrder { invoice, order_number }
}

/// One invoice of this customer.
pub async fn of_customer(
    executor: impl PgExecutor<'_>,
    number: &str,
    customer: AccountId,
) -> Result<Option<InvoiceOfOrder>, sqlx::Error> {
    let found: Option<Found> = sqlx::query_as(
        "SELECT to_jsonb(i), o.number FROM read.invoices i JOIN read.orders o ON o.id = i.order_id \
         WHERE i.number = $1 AND i.customer_id = $2",
    )
    .bind(number)
    .bind(customer.0)
    .fetch_optional(executor)
    .await?;
    Ok(found.map(joined))
}

/// Invoices of this customer, newest first.
pub async fn list_of_customer(
    executor: impl PgExecutor<'_> + Copy,
    customer: AccountId,
    slice: Slice,
) -> Result<Listed<InvoiceOfOrder>, sqlx::Error> {
    let found: Vec<Found> = sqlx::query_as(
        "SELECT to_jsonb(i), o.number FROM read.invoices i JOIN read.orders o ON o.id = i.order_id \
         WHERE i.customer_id = $1 ORDER BY i.created_at DESC, i.number LIMIT $2 OFFSET $3",
    )
    .bind(customer.0)
    .bind(slice.limit)
    .bind(slice.offset)
    .fetch_all(executor)
    .await?;
    let total = count_of_customer(executor, customer).await?;
    Ok(Listed { items: found.into_iter().map(joined).collect(), total })
}

async fn count_of_customer(executor: impl PgExecutor<'_>, customer: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM read.invoices WHERE customer_id = $1")
        .bind(customer.0)
        .fetch_one(executor)
        .await
}
