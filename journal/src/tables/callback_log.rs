//! Calls that claim to come from a provider, as they came in. Insert-only.

use sha2::{Digest, Sha256};
use sqlx::PgExecutor;
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// One call. The token itself is never kept, only its digest.
#[derive(Debug, Clone)]
pub struct Callback<'a> {
    pub received_at: OffsetDateTime,
    /// `browser`, `webhook` …
    pub source: &'a str,
    pub token: Option<&'a str>,
    pub payment: Option<Uuid>,
    /// `recorded`, `unknown_token`, `bad_signature` …
    pub outcome: &'a str,
    pub client_ip: Option<IpAddr>,
    pub request_id: &'a str,
}

pub async fn insert(executor: impl PgExecutor<'_>, callback: &Callback<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO callback_log (received_at, source, token_sha256, payment_id, outcome, client_ip, request_id) \
         VALUES ($1, $2, $3, $4, $5, $6::text::inet, $7)",
    )
    .bind(callback.received_at)
    .bind(callback.source)
    .bind(callback.token.map(token_digest))
    .bind(callback.payment)
    .bind(callback.outcome)
    .bind(callback.client_ip.map(|ip| ip.to_string()))
    .bind(callback.request_id)
    .execute(executor)
    .await?;
    Ok(())
}

/// How a token is named in the log: hex SHA-256.
pub fn token_digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CallbackRow {
    pub id: i64,
    pub received_at: OffsetDateTime,
    pub source: String,
    pub token_sha256: Option<String>,
    pub payment_id: Option<Uuid>,
    pub outcome: String,
    pub client_ip: Option<String>,
    pub request_id: String,
}

/// The calls about one payment, oldest first; at most `limit`.
pub async fn of_payment(
    executor: impl PgExecutor<'_>,
    payment: Uuid,
    limit: i64,
) -> Result<Vec<CallbackRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, received_at, source, token_sha256, payment_id, outcome, host(client_ip) AS client_ip, request_id \
         FROM callback_log WHERE payment_id = $1 ORDER BY id LIMIT $2",
    )
    .bind(payment)
    .bind(limit)
    .fetch_all(executor)
    .await
}
