//! What a person tells of themselves beside the credentials. Whoever changes it holds the account's row.

use domain::AccountId;
use serde_json::Value;
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

/// What the person wrote.
#[derive(Debug, Clone, Default, PartialEq, sqlx::FromRow)]
pub struct Details {
    /// E.164.
    pub phone: Option<String>,
    pub company: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// An object.
    pub preferences: Option<Json<Value>>,
}

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct ProfileRow {
    pub account_id: Uuid,
    #[sqlx(flatten)]
    pub details: Details,
    /// When exactly this number was proven.
    pub phone_verified_at: Option<OffsetDateTime>,
}

impl ProfileRow {
    /// Of an account that has written nothing.
    pub fn empty(account: AccountId) -> Self {
        Self { account_id: account.0, details: Details::default(), phone_verified_at: None }
    }
}

pub async fn get(
    executor: impl PgExecutor<'_>,
    account: AccountId,
) -> Result<Option<ProfileRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT account_id, phone, company, address1, address2, city, state, postal_code, country, preferences, \
         phone_verified_at FROM profiles WHERE account_id = $1",
    )
    .bind(account.0)
    .fetch_optional(executor)
    .await
}

/// Writes the row, whether there was one or not.
pub async fn store(
    executor: impl PgExecutor<'_>,
    row: &ProfileRow,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let details = &row.details;
    sqlx::query(
        "INSERT INTO profiles (account_id, phone, company, address1, address2, city, state, postal_code, country, \
         preferences, phone_verified_at, created_at, updated_at, phone_changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, CASE WHEN $2 IS NULL THEN NULL ELSE $12 END) \
         ON CONFLICT (account_id) DO UPDATE SET phone = excluded.phone, company = excluded.company, \
         address1 = excluded.address1, address2 = excluded.address2, city = excluded.city, state = excluded.state, \
         postal_code = excluded.postal_code, country = excluded.country, preferences = excluded.preferences, \
         phone_verified_at = excluded.phone_verified_at, updated_at = excluded.updated_at, \
         phone_changed_at = CASE WHEN profiles.phone IS DISTINCT FROM excluded.phone THEN excluded.updated_at \
         ELSE profiles.phone_changed_at END",
    )
    .bind(row.account_id)
    .bind(&details.phone)
    .bind(&details.company)
    .bind(&details.address1)
    .bind(&details.address2)
    .bind(&details.city)
    .bind(&details.state)
    .bind(&details.postal_code)
    .bind(&details.country)
    .bind(&details.preferences)
    .bind(row.phone_verified_at)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}
