//! `/message-cards`: the cards beside a cover. A bare array, as before.

use crate::{AppState, Problem};
use axum::Json;
use axum::extract::State;
use journal::tables::message_cards::{self, MessageCard};
use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MessageCardView {
    id: Uuid,
    title: String,
    thumbnail_url: String,
    /// Kuruş, with KDV
    price_cents: i64,
    is_published: bool,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
}

impl From<MessageCard> for MessageCardView {
    fn from(card: MessageCard) -> Self {
        Self {
            id: card.id,
            title: card.title,
            thumbnail_url: card.thumbnail_url,
            price_cents: card.price_cents,
            is_published: card.is_published,
            created_at: card.created_at,
        }
    }
}

/// The published cards, newest first.
#[utoipa::path(get, path = "", operation_id = "message_cards", tag = "drafts",
    responses((status = 200, body = Vec<MessageCardView>)))]
async fn list(State(pool): State<PgPool>) -> Result<Json<Vec<MessageCardView>>, Problem> {
    let cards = message_cards::published(&pool).await?;
    Ok(Json(cards.into_iter().map(MessageCardView::from).collect()))
}
