//! `GET /drafts/{id}/ai/original/{imageId}`: the clean picture, once the order that prints it is paid.

use crate::Problem;
use crate::extract::Customer;
use crate::state::PrivateFiles;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{DraftId, ImageId};
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use projections::{ai_jobs, orders};
use sqlx::PgPool;
use uuid::Uuid;

/// The untouched original of the ordered picture; only for its buyer, only after payment.
#[utoipa::path(get, path = "/{id}/ai/original/{image_id}", operation_id = "original_picture", tag = "ai",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "Draft id"), ("image_id" = String, Path, description = "Image id")),
    responses((status = 200, content_type = "image/png", body = Vec<u8>),
        (status = 400, description = "`validation_failed`"), (status = 401, description = "`unauthorized`"),
        (status = 403, description = "`original_not_paid`"), (status = 404, description = "`image_not_found`")))]
pub(super) async fn original(
    customer: Customer,
    State(pool): State<PgPool>,
    State(PrivateFiles(files)): State<PrivateFiles>,
    Path((draft, image)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let draft: DraftId = draft.parse().map_err(|_| Problem::field("id", "invalid_id"))?;
    let image: Uuid = image.parse().map_err(|_| Problem::field("imageId", "invalid_id"))?;
    let image = ImageId(image);
    let found = ai_jobs::with_image(&pool, draft, customer.account, image).await?;
    let (_, picture) = found.ok_or_else(|| Problem::not_found("image_not_found"))?;
    let order = orders::paid_from_draft(&pool, draft, customer.account).await?;
    if order.is_none_or(|order| order.picture.image != image) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "original_not_paid"));
    }
    let key = Key::parse(&picture.original_key).map_err(Problem::internal)?;
    let file = files.get(&key).await.map_err(|error| match error {
        object_store::Error::NotFound { .. } => Problem::not_found("image_not_found"),
        other => Problem::internal(other),
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (header::CONTENT_LENGTH, file.meta.size.into()),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"original.png\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, Body::from_stream(file.into_stream())).into_response())
}
