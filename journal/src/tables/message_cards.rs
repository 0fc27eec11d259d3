//! The cards that can be put beside a cover.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

/// Most cards that one list answers.
pub const CARDS_MAX: i64 = 200;

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MessageCard {
    pub id: Uuid,
    pub title: String,
    pub thumbnail_url: String,
    /// Kuruş, with KDV.
    pub price_cents: i64,
    pub is_published: bool,
    pub created_at: OffsetDateTime,
}

/// What can be bought now, newest first.
pub async fn published(executor: impl PgExecutor<'_>) -> Result<Vec<MessageCard>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, title, thumbnail_url, price_cents, is_published, created_at \
         FROM message_cards WHERE is_published ORDER BY created_at DESC, id LIMIT $1",
    )
    .bind(CARDS_MAX)
    .fetch_all(executor)
    .await
}

/// One card, published or not.
pub async fn get(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<MessageCard>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, title, thumbnail_url, price_cents, is_published, created_at \
         FROM message_cards WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(executor)
    .await
}

/// id, title, price in kuruş; the pictures are `/uploads/message-cards/<id>.webp`.
const FIRST_CARDS: [(Uuid, &str, i64); 4] = [
    (Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001), "İyi ki doğdun", 4_500),
    (Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002), "Seni çok seviyorum", 4_500),
    (Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0003), "Bir ömür mutluluklar", 5_500),
    (Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0004), "Emeğine sağlık, teşekkürler", 3_900),
];

/// The first cards, under fixed ids; a repeat changes nothing.
pub async fn seed(executor: impl PgExecutor<'_>, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = FIRST_CARDS.iter().map(|(id, _, _)| *id).collect();
    let titles: Vec<&str> = FIRST_CARDS.iter().map(|(_, title, _)| *title).collect();
    let prices: Vec<i64> = FIRST_CARDS.iter().map(|(_, _, price)| *price).collect();
    sqlx::query(
        "INSERT INTO message_cards (id, title, thumbnail_url, price_cents, is_published, created_at) \
         SELECT id, title, '/uploads/message-cards/' || id || '.webp', price, true, $4 \
         FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS card(id, title, price) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(ids)
    .bind(titles)
    .bind(prices)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}
