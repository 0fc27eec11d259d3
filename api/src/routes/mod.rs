//! One file per area. Each has `router()` first; this table mounts it under `/api/v1` and `/api`.

mod auth;
pub mod root;
mod uploads;
mod users;
mod verify_page;

use crate::AppState;
use utoipa_axum::router::OpenApiRouter;

/// All routes of the API, relative to its mount. One line per area.
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().nest("/auth", auth::router()).nest("/users", users::router())
}
