//! `/audit`: the record itself, for auditors. Every event as it stands in the journal, its hash computed anew.

mod history;
mod security_events;
mod state;

use crate::AppState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(history::order_history))
        .routes(routes!(history::account_history))
        .routes(routes!(security_events::security_events))
}
