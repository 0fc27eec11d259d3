//! A draft as the wire has it. Addresses and the card's words are fetched from the personal records.

use crate::Problem;
use domain::PersonalRef;
use domain::draft::{CoverSize, Method};
use domain::personal::{BillingRecord, MessageRecord, ShippingRecord};
use domain::prices;
use journal::tables::personal;
use projections::drafts::{DraftRow, WorkflowStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// Revisions that a design may have.
const REVISIONS_MAX: u32 = 3;

/// The module's old envelope.
#[derive(Serialize, ToSchema)]
pub struct Success<T> {
    pub success: bool,
    pub data: T,
}

impl<T> Success<T> {
    pub fn of(data: T) -> Self {
        Self { success: true, data }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftView {
    id: Uuid,
    user_id: Uuid,
    #[schema(value_type = String, example = "ai")]
    method: Method,
    #[schema(value_type = String, example = "a5")]
    size: CoverSize,
    step: u32,
    data: DraftData,
    message_card_id: Option<Uuid>,
    message_card: Option<ChosenCard>,
    #[schema(value_type = Option<Object>)]
    shipping: Option<ShippingRecord>,
    #[serde(serialize_with = "crate::timestamp::serialize_option")]
    committed_at: Option<OffsetDateTime>,
    order_id: Option<Uuid>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    updated_at: OffsetDateTime,
    #[schema(value_type = String, example = "PENDING")]
    workflow_status: WorkflowStatus,
    revision_count: u32,
    max_revisions: u32,
    assigned_designer_id: Option<Uuid>,
    ai_prompt_original: Option<String>,
    ai_prompt_final: Option<String>,
    ai_selected_image_id: Option<Uuid>,
    /// Jobs that delivered at least one picture
    ai_regen_count: u32,
    /// The job whose pictures are being made
    generating_job_id: Option<Uuid>,
    /// Credits for the next job
    next_generation_cost: u32,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DraftData {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    message_card: Option<MessageRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    billing: Option<BillingRecord>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChosenCard {
    id: Uuid,
    title: String,
    price_cents: i64,
}

impl DraftView {
    pub async fn of(pool: &PgPool, row: DraftRow) -> Result<Self, Problem> {
        let words = row.message_card.as_ref().and_then(|card| card.text.as_ref());
        let (shipping, billing, words) = tokio::try_join!(
            record(pool, row.shipping.as_ref()),
            record(pool, row.billing.as_ref()),
            record(pool, words),
        )?;
        Ok(Self {
            id: row.id.0,
            user_id: row.customer_id.0,
            method: row.method,
            size: row.size,
            step: 1,
            data: DraftData { message_card: words, billing },
            message_card_id: row.message_card.as_ref().map(|card| card.card),
            message_card: row.message_card.map(|card| ChosenCard {
                id: card.card,
                title: card.title,
                price_cents: card.price.minor,
            }),
            shipping,
            committed_at: row.committed_at,
            order_id: row.order_id.map(|order| order.0),
            created_at: row.created_at,
            updated_at: row.updated_at,
            workflow_status: row.workflow_status,
            revision_count: 0,
            max_revisions: REVISIONS_MAX,
            assigned_designer_id: None,
            ai_prompt_original: None,
            ai_prompt_final: None,
            ai_selected_image_id: row.picture.map(|picture| picture.image.0),
            ai_regen_count: row.generations,
            generating_job_id: row.generating.map(|job| job.0),
            next_generation_cost: prices::generation(row.generations),
        })
    }
}

/// The record that a reference points to; none once it was erased.
pub async fn record<T: DeserializeOwned>(
    pool: &PgPool,
    reference: Option<&PersonalRef>,
) -> Result<Option<T>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    let body = personal::get(pool, reference.id).await?;
    body.map(serde_json::from_value).transpose().map_err(Problem::internal)
}
