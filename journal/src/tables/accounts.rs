//! Credentials of accounts. A row is found through the claim on its e-mail address, which the event committed.

use crate::Claim;
use crate::mac::{Label, mac};
use crate::read::{self, ReadError};
use domain::AccountId;
use domain::account::Role;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// Scope of the claim on an e-mail address; its key is [`email_claim`]'s.
pub const EMAIL_SCOPE: &str = "account.email";

/// One account's credentials. `Debug` is left out on purpose.
#[derive(Clone, sqlx::FromRow)]
pub struct AccountRow {
    pub id: Uuid,
    /// As typed.
    pub email: String,
    pub name: Option<String>,
    /// PHC string.
    pub password_hash: String,
    /// Which password that is; nil for the one of the registration.
    #[sqlx(rename = "credential_id")]
    pub credential: Uuid,
    #[sqlx(try_from = "String")]
    pub role: StoredRole,
    /// `tr` or `en`.
    pub locale: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// A role as it stands in the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredRole(pub Role);

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no role")]
pub struct UnknownRole(pub String);

impl TryFrom<String> for StoredRole {
    type Error = UnknownRole;

    fn try_from(text: String) -> Result<Self, UnknownRole> {
        match text.as_str() {
            "customer" => Ok(Self(Role::Customer)),
            "designer" => Ok(Self(Role::Designer)),
            "admin" => Ok(Self(Role::Admin)),
            "auditor" => Ok(Self(Role::Auditor)),
            _ => Err(UnknownRole(text)),
        }
    }
}

/// The role's name in the column, and in tokens.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Customer => "customer",
        Role::Designer => "designer",
        Role::Admin => "admin",
        Role::Auditor => "auditor",
    }
}

/// The claim on a normalised e-mail address. Keyed, since the journal keeps it for ever and addresses can be guessed.
pub fn email_claim(server_secret: &[u8], normalised_email: &str) -> Claim {
    Claim {
        scope: EMAIL_SCOPE.to_owned(),
        key: hex::encode(mac(server_secret, Label::AccountEmail, &[normalised_email.as_bytes()])),
    }
}

/// Writes the row; done before `Register`, so that a registered account always has one.
pub async fn insert(executor: impl PgExecutor<'_>, row: &AccountRow) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO accounts (id, email, name, password_hash, role, locale, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    )
    .bind(row.id)
    .bind(&row.email)
    .bind(&row.name)
    .bind(&row.password_hash)
    .bind(role_name(row.role.0))
    .bind(&row.locale)
    .bind(row.created_at)
    .bind(row.updated_at)
    .execute(executor)
    .await?;
    Ok(())
}

/// Removes the row: an orphan whose address was taken, or an erased person.
pub async fn delete(executor: impl PgExecutor<'_>, account: AccountId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM accounts WHERE id = $1").bind(account.0).execute(executor).await?;
    Ok(())
}

pub async fn get(
    executor: impl PgExecutor<'_>,
    account: AccountId,
) -> Result<Option<AccountRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, email, name, password_hash, credential_id, role, locale, created_at, updated_at \
         FROM accounts WHERE id = $1",
    )
    .bind(account.0)
    .fetch_optional(executor)
    .await
}

/// Claim → account → row; `None` for unknown addresses and erased accounts alike.
pub async fn by_email(
    pool: &PgPool,
    server_secret: &[u8],
    normalised_email: &str,
) -> Result<Option<AccountRow>, ReadError> {
    let claim = email_claim(server_secret, normalised_email);
    // One statement, so that an unknown address takes no less time.
    let row = sqlx::query_as(
        "SELECT a.id, a.email, a.name, a.password_hash, a.credential_id, a.role, a.locale, a.created_at, \
         a.updated_at \
         FROM claims c JOIN accounts a ON a.id = c.owner_id::uuid WHERE c.scope = $1 AND c.key = $2",
    )
    .bind(claim.scope)
    .bind(claim.key);
    Ok(row.fetch_optional(pool).await?)
}

/// The account that holds a claim.
pub async fn owner(executor: impl PgExecutor<'_>, claim: &Claim) -> Result<Option<AccountId>, ReadError> {
    let owner = read::claim_owner(executor, &claim.scope, &claim.key).await?;
    Ok(owner.and_then(|owner| owner.owner_id.parse().ok()))
}

/// Holds the row until the transaction ends, so that what belongs to the account changes one after the other; false if
/// there is none.
pub async fn lock(executor: impl PgExecutor<'_>, account: AccountId) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE").bind(account.0);
    Ok(row.fetch_optional(executor).await?.is_some())
}

pub async fn rename(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    name: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE accounts SET name = $2, updated_at = $3 WHERE id = $1")
        .bind(account.0)
        .bind(name)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

/// Replaces a password's hash, unless it was replaced meanwhile.
pub async fn replace_hash(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    old: &str,
    new: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE accounts SET password_hash = $3, updated_at = $4 WHERE id = $1 AND password_hash = $2",
    )
    .bind(account.0)
    .bind(old)
    .bind(new)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// What tokens say from now on; the events decide it. Whether it is another than before.
pub async fn set_role(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    role: Role,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query("UPDATE accounts SET role = $2, updated_at = $3 WHERE id = $1 AND role <> $2")
        .bind(account.0)
        .bind(role_name(role))
        .bind(now)
        .execute(executor)
        .await?;
    Ok(result.rows_affected() == 1)
}

/// Where mail goes, and in which language.
#[derive(Clone, sqlx::FromRow)]
pub struct Recipient {
    pub email: String,
    pub name: Option<String>,
    pub locale: String,
}

pub async fn recipient(
    executor: impl PgExecutor<'_>,
    account: AccountId,
) -> Result<Option<Recipient>, sqlx::Error> {
    sqlx::query_as("SELECT email, name, locale FROM accounts WHERE id = $1")
        .bind(account.0)
        .fetch_optional(executor)
        .await
}
