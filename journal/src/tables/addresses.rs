//! The address book. Whoever changes it holds the account's row (`accounts::lock`), so that limit and default stay true.

use domain::AccountId;
use serde::Serialize;
use sqlx::query::Query;
use sqlx::{Database, PgExecutor, Postgres};
use time::OffsetDateTime;
use uuid::Uuid;

/// Most rows of one list, whatever the limit was when they were written.
pub const ADDRESSES_MAX: u32 = 100;

/// What the owner wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Content {
    pub label: Option<String>,
    pub full_name: String,
    /// E.164.
    pub phone: String,
    pub line1: String,
    pub line2: Option<String>,
    pub city: String,
    pub district_name: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub province_id: Option<i32>,
    pub town_id: Option<i32>,
    pub district_id: Option<i32>,
    pub quarter_id: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AddressRow {
    pub id: Uuid,
    pub account_id: Uuid,
    #[sqlx(flatten)]
    pub content: Content,
    pub is_default: bool,
    /// Digest of the request that made it.
    pub created_from: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// Of an [`AddressRow`].
macro_rules! columns {
    () => {
        "id, account_id, label, full_name, phone, line1, line2, city, district_name, postal_code, country, \
         province_id, town_id, district_id, quarter_id, is_default, created_from, created_at, updated_at"
    };
}

/// The default first, then the newest.
pub async fn list(executor: impl PgExecutor<'_>, account: AccountId) -> Result<Vec<AddressRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM addresses WHERE account_id = $1 ORDER BY is_default DESC, created_at DESC, id DESC LIMIT $2"
    ))
    .bind(account.0)
    .bind(i64::from(ADDRESSES_MAX))
    .fetch_all(executor)
    .await
}

pub async fn get(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    id: Uuid,
) -> Result<Option<AddressRow>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", columns!(), " FROM addresses WHERE account_id = $1 AND id = $2"))
        .bind(account.0)
        .bind(id)
        .fetch_optional(executor)
        .await
}

pub async fn default(
    executor: impl PgExecutor<'_>,
    account: AccountId,
) -> Result<Option<AddressRow>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", columns!(), " FROM addresses WHERE account_id = $1 AND is_default"))
        .bind(account.0)
        .fetch_optional(executor)
        .await
}

pub async fn count(executor: impl PgExecutor<'_>, account: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM addresses WHERE account_id = $1")
        .bind(account.0)
        .fetch_one(executor)
        .await
}

/// The newest one that is not `but`.
pub async fn newest_but(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    but: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM addresses WHERE account_id = $1 AND id <> $2 ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(account.0)
    .bind(but)
    .fetch_optional(executor)
    .await
}

/// Binds `$1` to `$14`: the id, then what the owner wrote.
fn written<'q>(
    statement: &'q str,
    id: Uuid,
    content: &'q Content,
) -> Query<'q, Postgres, <Postgres as Database>::Arguments<'q>> {
    sqlx::query(statement)
        .bind(id)
        .bind(&content.label)
        .bind(&content.full_name)
        .bind(&content.phone)
        .bind(&content.line1)
        .bind(&content.line2)
        .bind(&content.city)
        .bind(&content.district_name)
        .bind(&content.postal_code)
        .bind(&content.country)
        .bind(content.province_id)
        .bind(content.town_id)
        .bind(content.district_id)
        .bind(content.quarter_id)
}

pub async fn insert(executor: impl PgExecutor<'_>, row: &AddressRow) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO addresses (id, label, full_name, phone, line1, line2, city, district_name, \
         postal_code, country, province_id, town_id, district_id, quarter_id, account_id, is_default, created_from, \
         created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    written(statement, row.id, &row.content)
        .bind(row.account_id)
        .bind(row.is_default)
        .bind(&row.created_from)
        .bind(row.created_at)
        .bind(row.updated_at)
        .execute(executor)
        .await?;
    Ok(())
}

/// Replaces what the owner wrote; the default is changed by the two functions below.
pub async fn update(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    content: &Content,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let statement = "UPDATE addresses SET label = $2, full_name = $3, phone = $4, line1 = $5, line2 = $6, city = $7, \
         district_name = $8, postal_code = $9, country = $10, province_id = $11, town_id = $12, district_id = $13, \
         quarter_id = $14, updated_at = $15 WHERE id = $1";
    written(statement, id, content).bind(now).execute(executor).await?;
    Ok(())
}

pub async fn clear_default(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE addresses SET is_default = false, updated_at = $2 WHERE account_id = $1 AND is_default",
    )
    .bind(account.0)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// After [`clear_default`]: the database takes no second one.
pub async fn set_default(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE addresses SET is_default = true, updated_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

/// Whether it was the default; `None` if it was not there.
pub async fn delete(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    id: Uuid,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar("DELETE FROM addresses WHERE account_id = $1 AND id = $2 RETURNING is_default")
        .bind(account.0)
        .bind(id)
        .fetch_optional(executor)
        .await
}
