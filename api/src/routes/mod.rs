//! One file per area. Each has `router()` first; this table mounts it under `/api/v1` and `/api`.

mod acting;
mod addresses;
mod ai;
mod audit;
mod auth;
mod drafts;
mod held;
mod invoices;
mod listing;
mod locations;
mod message_cards;
mod orders;
mod password;
mod payments;
mod postal;
pub mod root;
mod uploads;
mod users;
mod verify_page;
mod wallet;

use crate::AppState;
use utoipa_axum::router::OpenApiRouter;

/// All routes of the API, relative to its mount. One line per area.
pub fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .nest("/auth", auth::router())
        .nest("/users", users::router())
        .nest("/addresses", addresses::router())
        .nest("/locations", locations::router())
        .nest("/message-cards", message_cards::router())
        .nest("/drafts", drafts::router())
        .nest("/ai", ai::aliases())
        .nest("/wallet", wallet::router())
        .nest("/orders", orders::router())
        .nest("/payments", payments::router())
        .nest("/invoices", invoices::router())
        .nest("/audit", audit::router())
}
