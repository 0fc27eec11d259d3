//! Numbers that are to be proven, and the code that proves one. The number is kept here, the code is a
//! [`super::short_code`]; events name the selector alone.

use super::security_events::{self, Kind, NewSecurityEvent, Source};
use domain::AccountId;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// Both halves of the lock's key: proofs come into force one after the other, so that two cannot swap numbers.
const LOCK: (i32, i32) = (0x706b_7068, 0);

/// A number that waits. `Debug` is left out on purpose.
#[derive(sqlx::FromRow)]
pub struct PhoneCode {
    /// E.164.
    pub phone: String,
    pub applied_at: Option<OffsetDateTime>,
}

pub async fn store(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    selector: Uuid,
    phone: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO phone_codes (selector, account_id, phone, created_at) VALUES ($1, $2, $3, $4)")
        .bind(selector)
        .bind(account.0)
        .bind(phone)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

pub async fn get(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    selector: Uuid,
) -> Result<Option<PhoneCode>, sqlx::Error> {
    sqlx::query_as("SELECT phone, applied_at FROM phone_codes WHERE selector = $2 AND account_id = $1")
        .bind(account.0)
        .bind(selector)
        .fetch_optional(executor)
        .await
}

/// A proof that was decided: the event says it.
#[derive(Debug, Clone, Copy)]
pub struct Proven {
    pub account: AccountId,
    pub selector: Uuid,
    /// Of the event.
    pub position: i64,
    /// When the event was recorded.
    pub at: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Now,
    Before,
    /// Nobody knows the number any more.
    Missing,
    /// A later proof counts, here or at another account, or the person has written another number since.
    Superseded,
}

/// Puts a decided proof in force: the number becomes the account's, and nobody else's; and on record. Once, however often
/// it is asked.
pub async fn apply(
    pool: &PgPool,
    proven: Proven,
    source: Source<'_>,
    now: OffsetDateTime,
) -> Result<Applied, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    one_by_one(&mut *transaction).await?;
    hold_accounts(&mut *transaction, proven).await?;
    let Some(phone) = use_up(&mut *transaction, proven, now).await? else {
        transaction.rollback().await?;
        let known = get(pool, proven.account, proven.selector).await?;
        return Ok(if known.is_some() { Applied::Before } else { Applied::Missing });
    };
    // What would stand here if all proofs had come into force in the order of the journal.
    let (moved_on, taken) = since(&mut *transaction, proven, &phone).await?;
    if !taken {
        take_from_others(&mut *transaction, proven, &phone, now).await?;
    }
    let verified_at = (!taken).then_some(proven.at);
    let written = !moved_on && write_profile(&mut *transaction, proven, &phone, verified_at, now).await?;
    let new = NewSecurityEvent { at: now, kind: Kind::PhoneVerified, account: Some(proven.account), source };
    security_events::insert(&mut *transaction, &new).await?;
    transaction.commit().await?;
    Ok(if written && !taken { Applied::Now } else { Applied::Superseded })
}

async fn one_by_one(executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(LOCK.0).bind(LOCK.1).execute(executor).await?;
    Ok(())
}

/// Whoever changes a profile holds the account's row: that of the owner, and of who had the number until now.
async fn hold_accounts(executor: impl PgExecutor<'_>, proven: Proven) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT id FROM accounts WHERE id = $1 OR id IN (SELECT p.account_id FROM profiles p, phone_codes c \
         WHERE c.selector = $2 AND p.phone = c.phone AND p.phone_verified_at IS NOT NULL) \
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(proven.account.0)
    .bind(proven.selector)
    .execute(executor)
    .await?;
    Ok(())
}

/// Answers the number, if it was not used up before.
async fn use_up(
    executor: impl PgExecutor<'_>,
    proven: Proven,
    now: OffsetDateTime,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE phone_codes SET applied_at = $3, proven_position = $4 \
         WHERE selector = $2 AND account_id = $1 AND applied_at IS NULL RETURNING phone",
    )
    .bind(proven.account.0)
    .bind(proven.selector)
    .bind(now)
    .bind(proven.position)
    .fetch_optional(executor)
    .await
}

/// Whether this account has proven a number since, and whether another account has proven this one since.
async fn since(
    executor: impl PgExecutor<'_>,
    proven: Proven,
    phone: &str,
) -> Result<(bool, bool), sqlx::Error> {
    sqlx::query_as(
        "SELECT EXISTS (SELECT FROM phone_codes WHERE account_id = $1 AND proven_position > $3), \
         EXISTS (SELECT FROM phone_codes WHERE account_id <> $1 AND phone = $2 AND proven_position > $3)",
    )
    .bind(proven.account.0)
    .bind(phone)
    .bind(proven.position)
    .fetch_one(executor)
    .await
}

async fn take_from_others(
    executor: impl PgExecutor<'_>,
    proven: Proven,
    phone: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE profiles SET phone_verified_at = NULL, updated_at = $3 \
         WHERE phone = $2 AND account_id <> $1 AND phone_verified_at IS NOT NULL",
    )
    .bind(proven.account.0)
    .bind(phone)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// False if the person has written another number since.
async fn write_profile(
    executor: impl PgExecutor<'_>,
    proven: Proven,
    phone: &str,
    verified_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let written = sqlx::query(
        "INSERT INTO profiles (account_id, phone, phone_verified_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $4) ON CONFLICT (account_id) DO UPDATE \
         SET phone = excluded.phone, phone_verified_at = excluded.phone_verified_at, updated_at = excluded.updated_at \
         WHERE profiles.phone = excluded.phone OR profiles.phone_changed_at IS NULL \
         OR profiles.phone_changed_at <= $5",
    )
    .bind(proven.account.0)
    .bind(phone)
    .bind(verified_at)
    .bind(now)
    .bind(proven.at)
    .execute(executor)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Removes numbers, whether they were proven or not. At most `limit`, and answers how many.
pub async fn delete_before(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        "DELETE FROM phone_codes WHERE selector IN \
         (SELECT selector FROM phone_codes WHERE created_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}
