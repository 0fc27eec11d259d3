//! The pages that a payment provider opened. Whoever holds a token or an address can use the page, so neither is
//! in an event.

use domain::PaymentId;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

/// Scope of a payment's claim on its token; the key is [`super::callback_log::token_digest`].
pub const TOKEN_SCOPE: &str = "iyzico.token";

/// `Debug` is left out on purpose.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Checkout {
    pub token: String,
    pub page_url: String,
    pub expires_at: OffsetDateTime,
}

/// Keeps the page and answers the one that holds: the first of a payment.
pub async fn store(pool: &PgPool, payment: PaymentId, opened: &Checkout) -> Result<Checkout, sqlx::Error> {
    sqlx::query(
        "INSERT INTO checkouts (payment_id, token, page_url, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (payment_id) DO NOTHING",
    )
    .bind(payment.0)
    .bind(&opened.token)
    .bind(&opened.page_url)
    .bind(opened.expires_at)
    .execute(pool)
    .await?;
    get(pool, payment).await?.ok_or(sqlx::Error::RowNotFound)
}

pub async fn get(executor: impl PgExecutor<'_>, payment: PaymentId) -> Result<Option<Checkout>, sqlx::Error> {
    sqlx::query_as("SELECT token, page_url, expires_at FROM checkouts WHERE payment_id = $1")
        .bind(payment.0)
        .fetch_optional(executor)
        .await
}
