//! `GET /drafts/{id}/ai/results` and `POST …/select`

use crate::Problem;
use crate::extract::{Body, Customer, MinPosition, PathId};
use crate::routes::acting::Acting;
use crate::routes::drafts as drafts_of;
use crate::wait::{SeenAt, Visibility};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use domain::draft::Picture;
use domain::{AiJobId, Command, DraftCommand, DraftId, ImageId};
use journal::{Commands, Rider};
use projections::ai_jobs::{self, AiJobRow, AiJobStatus, ImageRow};
use projections::drafts;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
pub(super) struct Results {
    /// Newest first
    jobs: Vec<AiJobView>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AiJobView {
    id: Uuid,
    draft_id: Uuid,
    user_id: Uuid,
    provider: &'static str,
    params: AiJobParams,
    cost_credits: u32,
    /// `queued`, `running`, `completed`, or `failed` when no picture came; the last two once the draft is free again
    #[schema(value_type = String, example = "completed")]
    status: AiJobStatus,
    /// A stable code
    error: Option<String>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "crate::timestamp::serialize_option")]
    finished_at: Option<OffsetDateTime>,
    images: Vec<ImageView>,
    /// Pictures that did not come; their credits went back
    failed_count: usize,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AiJobParams {
    user_prompt: String,
    negative_prompt: Option<String>,
    count: u8,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImageView {
    id: Uuid,
    draft_id: Uuid,
    job_id: Uuid,
    index: u8,
    /// With a watermark; the original comes with a paid order
    watermarked_url: String,
    thumbnail_url: String,
    width: u32,
    height: u32,
    credits: u32,
}

impl AiJobView {
    /// A job that is done reads as running until its draft is free as well, or whoever acts on the news at once would
    /// be told that the draft is busy.
    fn of(mut job: AiJobRow, generating: Option<AiJobId>) -> Self {
        let done = matches!(job.status, AiJobStatus::Completed | AiJobStatus::Failed);
        if done && generating == Some(job.id) {
            (job.status, job.finished_at) = (AiJobStatus::Running, None);
        }
        let images = job.images.iter().map(|image| ImageView::of(&job, image)).collect();
        let failed = job.status == AiJobStatus::Failed;
        Self {
            id: job.id.0,
            draft_id: job.draft_id.0,
            user_id: job.customer_id.0,
            provider: "stability",
            cost_credits: job.cost,
            status: job.status,
            error: job.failures.first().filter(|_| failed).map(|failure| failure.reason.clone()),
            created_at: job.created_at,
            finished_at: job.finished_at,
            images,
            failed_count: job.failures.len(),
            params: AiJobParams {
                user_prompt: job.prompt,
                negative_prompt: job.negative_prompt,
                count: job.count,
            },
        }
    }
}

impl ImageView {
    fn of(job: &AiJobRow, image: &ImageRow) -> Self {
        Self {
            id: image.id.0,
            draft_id: job.draft_id.0,
            job_id: job.id.0,
            index: image.index,
            watermarked_url: public_url(&image.preview_key),
            thumbnail_url: public_url(&image.thumbnail_key),
            width: image.width,
            height: image.height,
            credits: image.credits,
        }
    }
}

fn public_url(key: &str) -> String {
    format!("/uploads/{key}")
}

/// The draft's jobs and their pictures, as they come in.
#[utoipa::path(get, path = "/{id}/ai/results", operation_id = "ai_results", tag = "ai",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "Draft id"),
        ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = Results), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`draft_not_found`"),
        (status = 503, description = "`not_yet_visible`")))]
pub(super) async fn results(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    PathId(draft): PathId<DraftId>,
) -> Result<Json<Results>, Problem> {
    visibility.wait("drafts", min).await?;
    visibility.wait("ai_jobs", min).await?;
    let owned = drafts::of_customer(&pool, draft, customer.account).await?;
    let generating = owned.ok_or_else(|| Problem::not_found("draft_not_found"))?.generating;
    let jobs = ai_jobs::of_draft(&pool, draft, customer.account).await?;
    Ok(Json(Results { jobs: jobs.into_iter().map(|job| AiJobView::of(job, generating)).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct SelectBody {
    image_id: Uuid,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Selected {
    selected_image_id: Uuid,
    watermarked_url: String,
}

/// Chooses the picture that will be printed.
#[utoipa::path(post, path = "/{id}/ai/select", operation_id = "select_picture", tag = "ai",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    request_body = SelectBody,
    responses((status = 200, body = Selected), (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`draft_not_found`, `image_not_found`"),
        (status = 409, description = "`draft_already_committed`, `draft_canceled`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn select(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    PathId(draft): PathId<DraftId>,
    Body(body): Body<SelectBody>,
) -> Result<impl IntoResponse, Problem> {
    let by = acting.by;
    drafts_of::open(&commands, draft, by).await?;
    let seen = drafts_of::unchanged(&pool, &acting, draft).await?;
    let found = ai_jobs::with_image(&pool, draft, by, ImageId(body.image_id)).await?;
    let (job, image) = found.ok_or_else(|| Problem::not_found("image_not_found"))?;
    let picture = Picture { image: image.id, job, sha256: image.sha256 };
    let unit = vec![Command::Draft { id: draft, command: DraftCommand::SelectPicture { by, picture } }];
    let committed = commands.execute_upon(unit, &acting.origin(), Rider::default(), seen).await?;
    let selected =
        Selected { selected_image_id: image.id.0, watermarked_url: public_url(&image.preview_key) };
    Ok((SeenAt(committed.position), Json(selected)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(status: &str) -> AiJobRow {
        let finished = matches!(status, "completed" | "failed").then_some("2026-11-24T03:05:00Z");
        serde_json::from_value(json!({
            "id": Uuid::from_u128(1), "draft_id": Uuid::from_u128(2), "customer_id": Uuid::from_u128(3),
            "status": status, "count": 1, "cost": 2, "prompt": "deniz", "negative_prompt": null, "seed": 7,
            "images": [], "failures": [], "created_at": "2026-11-24T03:04:05Z", "finished_at": finished,
        }))
        .unwrap()
    }

    #[test]
    fn a_job_reads_as_done_only_when_its_draft_is_free() {
        let (own, another) = (Some(AiJobId(Uuid::from_u128(1))), Some(AiJobId(Uuid::from_u128(9))));
        for (stored, generating, shown) in [
            ("queued", own, "queued"),
            ("running", own, "running"),
            ("completed", own, "running"),
            ("failed", own, "running"),
            ("completed", None, "completed"),
            ("failed", another, "failed"),
        ] {
            let view = serde_json::to_value(AiJobView::of(job(stored), generating)).unwrap();
            assert_eq!(view["status"], shown, "{stored}, while {generating:?} has the draft");
            assert_eq!(view["finishedAt"].is_null(), matches!(shown, "queued" | "running"), "{stored}");
        }
    }
}
