//! Drafts as their owners see them.

use crate::model::{Place, Projection};
use crate::{Listed, Slice};
use cqrs_es::Aggregate;
use domain::draft::{CoverSize, Draft, MessageCard, Method, Picture};
use domain::{AccountId, AiJobId, DraftEvent, DraftId, Event, OrderId, PersonalRef};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

/// Where the work on a design stands. Ordering a draft does not change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkflowStatus {
    Pending,
    Canceled,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRow {
    pub id: DraftId,
    pub customer_id: AccountId,
    pub method: Method,
    pub size: CoverSize,
    pub workflow_status: WorkflowStatus,
    pub message_card: Option<MessageCard>,
    pub shipping: Option<PersonalRef>,
    /// Absent: the same as shipping.
    pub billing: Option<PersonalRef>,
    pub picture: Option<Picture>,
    /// Jobs that delivered at least one picture; sets the price of the next.
    pub generations: u32,
    pub generating: Option<AiJobId>,
    pub order_id: Option<OrderId>,
    pub cancel_reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub committed_at: Option<OffsetDateTime>,
}

pub struct Drafts;

impl Projection for Drafts {
    const NAME: &'static str = "drafts";
    const VERSION: i32 = 1;
    const AGGREGATES: &'static [&'static str] = &[Draft::TYPE];
    const KEY: (&'static str, &'static str) = ("id", "uuid");
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "customer_id",
        "method",
        "size",
        "workflow_status",
        "message_card",
        "shipping",
        "billing",
        "picture",
        "generations",
        "generating",
        "order_id",
        "cancel_reason",
        "created_at",
        "updated_at",
        "committed_at",
    ];
    type Row = DraftRow;

    fn key(place: &Place, event: &Event) -> Option<String> {
        matches!(event, Event::Draft(_)).then(|| place.aggregate_id.clone())
    }

    fn opens(event: &Event) -> bool {
        matches!(event, Event::Draft(DraftEvent::Created { .. }))
    }

    fn fold(row: Option<DraftRow>, place: &Place, event: &Event) -> Option<DraftRow> {
        let Event::Draft(event) = event else { return row };
        if let DraftEvent::Created { customer, method, size } = event {
            let id = place.aggregate_id.parse().ok()?;
            return Some(DraftRow::created(id, *customer, *method, *size, place.recorded_at));
        }
        let mut row = row?;
        row.updated_at = place.recorded_at;
        match event {
            DraftEvent::Created { .. } => {}
            DraftEvent::MessageCardChosen { card } => row.message_card = Some(card.clone()),
            DraftEvent::ShippingSet { address } => row.shipping = Some(address.clone()),
            DraftEvent::BillingSet { address } => row.billing = Some(address.clone()),
            DraftEvent::GenerationBegun { job, .. } => row.generating = Some(*job),
            DraftEvent::GenerationEnded { delivered, .. } => {
                row.generating = None;
                row.generations += u32::from(*delivered > 0);
            }
            DraftEvent::PictureSelected { picture } => row.picture = Some(picture.clone()),
            DraftEvent::Committed { order } => {
                row.order_id = Some(*order);
                row.committed_at = Some(place.recorded_at);
            }
            DraftEvent::Canceled { reason } => {
                row.workflow_status = WorkflowStatus::Canceled;
                row.cancel_reason.clone_from(reason);
            }
        }
        Some(row)
    }
}

impl DraftRow {
    fn created(
        id: DraftId,
        customer_id: AccountId,
        method: Method,
        size: CoverSize,
        at: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            customer_id,
            method,
            size,
            workflow_status: WorkflowStatus::Pending,
            message_card: None,
            shipping: None,
            billing: None,
            picture: None,
            generations: 0,
            generating: None,
            order_id: None,
            cancel_reason: None,
            created_at: at,
            updated_at: at,
            committed_at: None,
        }
    }
}

/// One draft of this customer.
pub async fn of_customer(
    executor: impl PgExecutor<'_>,
    id: DraftId,
    customer: AccountId,
) -> Result<Option<DraftRow>, sqlx::Error> {
    let row: Option<Json<DraftRow>> =
        sqlx::query_scalar("SELECT to_jsonb(d) FROM read.drafts d WHERE d.id = $1 AND d.customer_id = $2")
            .bind(id.0)
            .bind(customer.0)
            .fetch_optional(executor)
            .await?;
    Ok(row.map(|Json(row)| row))
}

/// Drafts of this customer, newest first.
pub async fn list_of_customer(
    executor: impl PgExecutor<'_> + Copy,
    customer: AccountId,
    slice: Slice,
) -> Result<Listed<DraftRow>, sqlx::Error> {
    let rows: Vec<Json<DraftRow>> = sqlx::query_scalar(
        "SELECT to_jsonb(d) FROM read.drafts d WHERE d.customer_id = $1 \
         ORDER BY d.created_at DESC, d.id LIMIT $2 OFFSET $3",
    )
    .bind(customer.0)
    .bind(slice.limit)
    .bind(slice.offset)
    .fetch_all(executor)
    .await?;
    let total = count_of_customer(executor, customer).await?;
    Ok(Listed { items: rows.into_iter().map(|Json(row)| row).collect(), total })
}

async fn count_of_customer(executor: impl PgExecutor<'_>, customer: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM read.drafts WHERE customer_id = $1")
        .bind(customer.0)
        .fetch_one(executor)
        .await
}
