//! `/drafts/{id}/ai`: pictures for a draft. The old doubled paths below `/ai` stay as aliases.

mod generate;
mod original;
mod results;

use crate::AppState;
use axum::Router;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Relative to `/drafts`.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(generate::generate))
        .routes(routes!(generate::regenerate))
        .routes(routes!(results::results))
        .routes(routes!(results::select))
        .routes(routes!(original::original))
}

/// The same routes as they were, relative to `/ai`; not described a second time.
pub fn aliases() -> OpenApiRouter<AppState> {
    Router::new()
        .route("/drafts/{id}/ai/generate", post(generate::generate))
        .route("/drafts/{id}/ai/regen", post(generate::regenerate))
        .route("/drafts/{id}/ai/results", get(results::results))
        .route("/drafts/{id}/ai/select", post(results::select))
        .route("/drafts/{id}/ai/original/{image_id}", get(original::original))
        .into()
}
