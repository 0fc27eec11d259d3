//! New passwords on their way: kept here first, decided by an event that names them, then put in force once.

use super::security_events::{self, Kind, NewSecurityEvent, Source};
use domain::{AccountEvent, AccountId, Event};
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// A password that may come to count. `Debug` is left out on purpose.
pub struct NewPassword<'a> {
    /// The credential's id in the event to come.
    pub id: Uuid,
    pub account: AccountId,
    pub hash: &'a str,
    /// The session that goes on.
    pub kept_session: Option<Uuid>,
    pub now: OffsetDateTime,
}

/// Keeps it; false if another one is, or was, kept under this id.
pub async fn store(executor: impl PgExecutor<'_>, new: &NewPassword<'_>) -> Result<bool, sqlx::Error> {
    let stored = sqlx::query(
        "INSERT INTO password_changes (id, account_id, password_hash, kept_session, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.account.0)
    .bind(new.hash)
    .bind(new.kept_session)
    .bind(new.now)
    .execute(executor)
    .await?;
    Ok(stored.rows_affected() == 1)
}

/// The hash of one that waits, or of the one that is in force.
pub async fn hash(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT password_hash FROM password_changes \
         WHERE id = $2 AND account_id = $1 AND password_hash IS NOT NULL \
         UNION ALL SELECT password_hash FROM accounts WHERE id = $1 AND credential_id = $2 LIMIT 1",
    )
    .bind(account.0)
    .bind(id)
    .fetch_optional(executor)
    .await
}

/// Removes one that was refused.
pub async fn discard(executor: impl PgExecutor<'_>, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM password_changes WHERE id = $1 AND applied_at IS NULL")
        .bind(id)
        .execute(executor)
        .await?;
    Ok(())
}

/// A change that was decided: the event says it.
#[derive(Debug, Clone, Copy)]
pub struct Decided {
    pub account: AccountId,
    pub credential: Uuid,
    pub replaces: Uuid,
}

impl Decided {
    /// What an event says about this account's password, if it does.
    pub fn of(account: AccountId, event: &Event) -> Option<Self> {
        match event {
            Event::Account(AccountEvent::PasswordReset { selector, replaces }) => {
                Some(Self { account, credential: *selector, replaces: *replaces })
            }
            Event::Account(AccountEvent::PasswordChanged { credential, replaces }) => {
                Some(Self { account, credential: *credential, replaces: *replaces })
            }
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Now,
    Before,
    /// The change before it is not in force yet.
    TooEarly,
    /// It is not kept, and never was in force: nothing can be done any more.
    Missing,
}

/// Puts a decided password in force, ends the sessions that the old one began, and puts this on record; once, however
/// often it is asked.
pub async fn apply(
    pool: &PgPool,
    change: Decided,
    source: Source<'_>,
    now: OffsetDateTime,
) -> Result<Applied, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let Some(kept) = replace(&mut *transaction, change, now).await? else {
        transaction.rollback().await?;
        return Ok(match applied(pool, change.credential).await? {
            Some(true) => Applied::Before,
            Some(false) => Applied::TooEarly,
            None => Applied::Missing,
        });
    };
    end_sessions(&mut *transaction, change.account, kept, now).await?;
    // A session that goes on is that of one who knew the old password.
    let kind = if kept.is_some() { Kind::PasswordChanged } else { Kind::PasswordReset };
    let source = Source { session: kept, ..source };
    let new = NewSecurityEvent { at: now, kind, account: Some(change.account), source };
    security_events::insert(&mut *transaction, &new).await?;
    transaction.commit().await?;
    Ok(Applied::Now)
}

/// Answers the session to keep, if this was the one that put it in force.
async fn replace(
    executor: impl PgExecutor<'_>,
    change: Decided,
    now: OffsetDateTime,
) -> Result<Option<Option<Uuid>>, sqlx::Error> {
    sqlx::query_scalar(
        "WITH change AS (SELECT c.id, c.password_hash, c.kept_session FROM password_changes c, accounts a \
         WHERE c.id = $2 AND c.account_id = $1 AND c.applied_at IS NULL AND a.id = $1 AND a.credential_id = $3 \
         FOR UPDATE OF c), \
         applied AS (UPDATE password_changes SET password_hash = NULL, applied_at = $4 \
         FROM change WHERE password_changes.id = change.id) \
         UPDATE accounts SET password_hash = change.password_hash, credential_id = $2, updated_at = $4 \
         FROM change WHERE accounts.id = $1 AND accounts.credential_id = $3 RETURNING change.kept_session",
    )
    .bind(change.account.0)
    .bind(change.credential)
    .bind(change.replaces)
    .bind(now)
    .fetch_optional(executor)
    .await
}

/// Whether a change that is kept is, or was, in force.
async fn applied(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar("SELECT applied_at IS NOT NULL FROM password_changes WHERE id = $1")
        .bind(id)
        .fetch_optional(executor)
        .await
}

async fn end_sessions(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    kept: Option<Uuid>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE sessions SET revoked_at = $3 \
         WHERE account_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL",
    )
    .bind(account.0)
    .bind(kept)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// Removes what is applied, and what no event ever named: those requests ended long ago. At most `limit`, and answers how many.
pub async fn delete_before(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        "DELETE FROM password_changes WHERE id IN (SELECT id FROM password_changes WHERE created_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}
