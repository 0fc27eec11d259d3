//! What an order must remember of a person, and must be able to forget. Events keep only id and digest.

use domain::{AccountId, PersonalRef};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// Why a record cannot be kept or proven.
#[derive(Debug, thiserror::Error)]
pub enum PersonalError {
    #[error("the record has no canonical form")]
    Canonical(#[from] serde_json::Error),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Keeps a record and answers the reference that events may carry.
///
/// Idempotent by id: a repeat answers the reference of what was stored first.
pub async fn store(
    pool: &PgPool,
    account: AccountId,
    kind: &str,
    body: &Value,
    id: Uuid,
) -> Result<PersonalRef, PersonalError> {
    if let Some(row) = row(pool, id).await? {
        return Ok(PersonalRef { id, digest: row.digest });
    }
    let salt = fresh_salt(pool).await?;
    let digest = digest(&salt, body)?;
    match insert(pool, &Row { salt, digest: digest.clone(), body: Json(body.clone()) }, account, kind, id).await? {
        true => Ok(PersonalRef { id, digest }),
        // Somebody stored it in between.
        false => Ok(PersonalRef { id, digest: row(pool, id).await?.ok_or(sqlx::Error::RowNotFound)?.digest }),
    }
}

/// The record, unless it was erased.
pub async fn get(pool: &PgPool, id: Uuid) -> Result<Option<Value>, PersonalError> {
    Ok(row(pool, id).await?.map(|row| row.body.0))
}
