//! What an order must remember of a person, and must be able to forget. Events keep only id and digest.

use domain::{AccountId, PersonalRef};
use rand::RngCore;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

/// Why a record cannot be kept or proven.
#[derive(Debug, thiserror::Error)]
pub enum PersonalError {
    #[error("the record has no canonical form")]
    Canonical(#[from] serde_json::Error),
    #[error("this id holds another record already")]
    Different,
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Keeps a record and answers the reference that events may carry.
///
/// Idempotent by id: a repeat answers the reference of what was stored first, and another body is refused.
pub async fn store(
    pool: &PgPool,
    account: AccountId,
    kind: &str,
    body: &Value,
    id: Uuid,
) -> Result<PersonalRef, PersonalError> {
    if let Some(row) = row(pool, id).await? {
        return first(row, id, body);
    }
    let salt = fresh_salt();
    let digest = digest(&salt, body)?;
    if insert(pool, &NewRecord { id, account, kind, body, salt: &salt, digest: &digest }).await? {
        return Ok(PersonalRef { id, digest });
    }
    // Somebody stored it in between.
    first(row(pool, id).await?.ok_or(sqlx::Error::RowNotFound)?, id, body)
}

fn first(row: Row, id: Uuid, body: &Value) -> Result<PersonalRef, PersonalError> {
    if row.body.0 != *body {
        return Err(PersonalError::Different);
    }
    Ok(PersonalRef { id, digest: row.digest })
}

/// The record, unless it was erased.
pub async fn get(pool: &PgPool, id: Uuid) -> Result<Option<Value>, PersonalError> {
    Ok(row(pool, id).await?.map(|row| row.body.0))
}

/// Whether the record is still what the event refers to; `None` once it was erased.
pub async fn verify(pool: &PgPool, reference: &PersonalRef) -> Result<Option<bool>, PersonalError> {
    let Some(row) = row(pool, reference.id).await? else { return Ok(None) };
    Ok(Some(digest(&row.salt, &row.body.0)? == reference.digest))
}

/// The newest record of a kind, for example to offer the last address again.
pub async fn latest(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    kind: &str,
) -> Result<Option<Value>, sqlx::Error> {
    let body: Option<Json<Value>> = sqlx::query_scalar(
        "SELECT body FROM personal_records WHERE account_id = $1 AND kind = $2 \
         ORDER BY created_at DESC LIMIT 1",
    )
    .bind(account.0)
    .bind(kind)
    .fetch_optional(executor)
    .await?;
    Ok(body.map(|Json(body)| body))
}

/// Erases all records of a person with their salts, and answers how many; events and proofs stay valid.
pub async fn erase(executor: impl PgExecutor<'_>, account: AccountId) -> Result<u64, sqlx::Error> {
    let result = sqlx::query("DELETE FROM personal_records WHERE account_id = $1")
        .bind(account.0)
        .execute(executor)
        .await?;
    Ok(result.rows_affected())
}

#[derive(sqlx::FromRow)]
struct Row {
    body: Json<Value>,
    salt: Vec<u8>,
    digest: String,
}

async fn row(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as("SELECT body, salt, digest FROM personal_records WHERE id = $1")
        .bind(id)
        .fetch_optional(executor)
        .await
}

struct NewRecord<'a> {
    id: Uuid,
    account: AccountId,
    kind: &'a str,
    body: &'a Value,
    salt: &'a [u8],
    digest: &'a str,
}

/// False if the id is there already.
async fn insert(executor: impl PgExecutor<'_>, new: &NewRecord<'_>) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "INSERT INTO personal_records (id, account_id, kind, body, salt, digest, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT (id) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.account.0)
    .bind(new.kind)
    .bind(Json(new.body))
    .bind(new.salt)
    .bind(new.digest)
    .execute(executor)
    .await?;
    Ok(result.rows_affected() == 1)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a salt is never an input: whoever knew it could guess the record"
)]
fn fresh_salt() -> [u8; 32] {
    let mut salt = [0; 32];
    rand::rng().fill_bytes(&mut salt);
    salt
}

fn digest(salt: &[u8], body: &Value) -> Result<String, serde_json::Error> {
    let canonical = serde_json_canonicalizer::to_vec(body)?;
    Ok(hex::encode(Sha256::new().chain_update(salt).chain_update(canonical).finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_digest_does_not_depend_on_the_order_of_keys_but_on_the_salt() {
        let (one, two) = (json!({"a": 1, "b": "ş"}), json!({"b": "ş", "a": 1}));
        assert_eq!(digest(&[0; 32], &one).unwrap(), digest(&[0; 32], &two).unwrap());
        assert_ne!(digest(&[0; 32], &one).unwrap(), digest(&[1; 32], &one).unwrap());
    }
}
