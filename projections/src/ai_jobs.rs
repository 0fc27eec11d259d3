//! Requests for AI pictures, with what was delivered and what failed.

use crate::model::{Place, Projection};
use cqrs_es::Aggregate;
use domain::ai_job::{AiJob, Generated, Job};
use domain::{AccountId, AiJobEvent, AiJobId, DraftId, Event, ImageId};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

/// Jobs of a draft that one answer shows.
pub const JOBS_SHOWN_MAX: i64 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AiJobStatus {
    Queued,
    Running,
    /// At least one picture came.
    Completed,
    /// None came; the credits went back.
    Failed,
}

/// A delivered picture; the original's key is for the private store and leaves by no route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRow {
    pub id: ImageId,
    pub index: u8,
    pub original_key: String,
    pub preview_key: String,
    pub thumbnail_key: String,
    pub sha256: String,
    pub width: u32,
    pub height: u32,
    pub credits: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRow {
    pub index: u8,
    /// A stable code.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiJobRow {
    pub id: AiJobId,
    pub draft_id: DraftId,
    pub customer_id: AccountId,
    pub status: AiJobStatus,
    pub count: u8,
    pub cost: u32,
    pub prompt: String,
    pub negative_prompt: Option<String>,
    pub seed: u32,
    /// By index.
    pub images: Vec<ImageRow>,
    pub failures: Vec<FailureRow>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
}

pub struct AiJobs;

impl Projection for AiJobs {
    const NAME: &'static str = "ai_jobs";
    const VERSION: i32 = 1;
    const AGGREGATES: &'static [&'static str] = &[AiJob::TYPE];
    const KEY: (&'static str, &'static str) = ("id", "uuid");
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "draft_id",
        "customer_id",
        "status",
        "count",
        "cost",
        "prompt",
        "negative_prompt",
        "seed",
        "images",
        "failures",
        "created_at",
        "finished_at",
    ];
    type Row = AiJobRow;

    fn key(place: &Place, event: &Event) -> Option<String> {
        match event {
            Event::AiJob(AiJobEvent::PictureDeferred { .. }) => None,
            Event::AiJob(_) => Some(place.aggregate_id.clone()),
            Event::Account(_) | Event::Wallet(_) | Event::Draft(_) | Event::Order(_) | Event::Payment(_) => {
                None
            }
        }
    }

    fn opens(event: &Event) -> bool {
        matches!(event, Event::AiJob(AiJobEvent::Requested { .. }))
    }

    fn fold(row: Option<AiJobRow>, place: &Place, event: &Event) -> Option<AiJobRow> {
        let Event::AiJob(event) = event else { return row };
        if let AiJobEvent::Requested { job } = event {
            let id = place.aggregate_id.parse().ok()?;
            return Some(AiJobRow::requested(id, job, place.recorded_at));
        }
        let mut row = row?;
        match event {
            AiJobEvent::Requested { .. } | AiJobEvent::PictureDeferred { .. } => {}
            AiJobEvent::PictureBegun { .. } => row.status = AiJobStatus::Running,
            AiJobEvent::PictureGenerated { index, credits, picture, .. } => {
                row.add(*index, *credits, picture);
            }
            AiJobEvent::PictureFailed { index, reason } => {
                row.failures.push(FailureRow { index: *index, reason: reason.clone() });
                row.failures.sort_by_key(|failure| failure.index);
            }
            AiJobEvent::Finished { delivered, .. } => {
                let none = delivered.is_empty();
                row.status = if none { AiJobStatus::Failed } else { AiJobStatus::Completed };
                row.finished_at = Some(place.recorded_at);
            }
        }
        Some(row)
    }
}

impl AiJobRow {
    fn requested(id: AiJobId, job: &Job, at: OffsetDateTime) -> Self {
        Self {
            id,
            draft_id: job.draft,
            customer_id: job.customer,
            status: AiJobStatus::Queued,
            count: job.count,
            cost: job.cost,
            prompt: job.prompt.clone(),
            negative_prompt: job.negative_prompt.clone(),
            seed: job.seed,
            images: Vec::new(),
            failures: Vec::new(),
            created_at: at,
            finished_at: None,
        }
    }

    fn add(&mut self, index: u8, credits: u32, picture: &Generated) {
        self.images.push(ImageRow {
            id: picture.image,
            index,
            original_key: picture.original_key.clone(),
            preview_key: picture.preview_key.clone(),
            thumbnail_key: picture.thumbnail_key.clone(),
            sha256: picture.sha256.clone(),
            width: picture.width,
            height: picture.height,
            credits,
        });
        self.images.sort_by_key(|image| image.index);
    }
}

/// The jobs of a draft of this customer, newest first, at most [`JOBS_SHOWN_MAX`].
pub async fn of_draft(
    executor: impl PgExecutor<'_>,
    draft: DraftId,
    customer: AccountId,
) -> Result<Vec<AiJobRow>, sqlx::Error> {
    let rows: Vec<Json<AiJobRow>> = sqlx::query_scalar(
        "SELECT to_jsonb(j) FROM read.ai_jobs j WHERE j.draft_id = $1 AND j.customer_id = $2 \
         ORDER BY j.created_at DESC, j.id LIMIT $3",
    )
    .bind(draft.0)
    .bind(customer.0)
    .bind(JOBS_SHOWN_MAX)
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}

/// The newest job of a draft of this customer.
pub async fn last_of_draft(
    executor: impl PgExecutor<'_>,
    draft: DraftId,
    customer: AccountId,
) -> Result<Option<AiJobRow>, sqlx::Error> {
    let row: Option<Json<AiJobRow>> = sqlx::query_scalar(
        "SELECT to_jsonb(j) FROM read.ai_jobs j WHERE j.draft_id = $1 AND j.customer_id = $2 \
         ORDER BY j.created_at DESC, j.id LIMIT 1",
    )
    .bind(draft.0)
    .bind(customer.0)
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|Json(row)| row))
}

/// The job that delivered a picture for a draft of this customer, with the picture.
pub async fn with_image(
    executor: impl PgExecutor<'_>,
    draft: DraftId,
    customer: AccountId,
    image: ImageId,
) -> Result<Option<(AiJobId, ImageRow)>, sqlx::Error> {
    let row: Option<Json<AiJobRow>> = sqlx::query_scalar(
        "SELECT to_jsonb(j) FROM read.ai_jobs j WHERE j.draft_id = $1 AND j.customer_id = $2 \
         AND j.images @> jsonb_build_array(jsonb_build_object('id', $3::text)) LIMIT 1",
    )
    .bind(draft.0)
    .bind(customer.0)
    .bind(image.to_string())
    .fetch_optional(executor)
    .await?;
    Ok(row.and_then(|Json(row)| {
        let id = row.id;
        row.images.into_iter().find(|found| found.id == image).map(|found| (id, found))
    }))
}

/// The ids of a draft's jobs, oldest first: for auditors.
pub async fn ids_of_draft(
    executor: impl PgExecutor<'_>,
    draft: DraftId,
) -> Result<Vec<AiJobId>, sqlx::Error> {
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT id FROM read.ai_jobs WHERE draft_id = $1 ORDER BY created_at, id")
            .bind(draft.0)
            .fetch_all(executor)
            .await?;
    Ok(ids.into_iter().map(AiJobId).collect())
}
