//! What happened to logins and sessions: for the person, and for the auditor. Insert-only.

use domain::AccountId;
use sqlx::{FromRow, PgExecutor, PgPool};
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    LoggedIn,
    LoginFailed,
    /// Too many failures: the next attempts from there are refused for a while.
    LoginLocked,
    LoggedOut,
    LoggedOutEverywhere,
    SessionRevoked,
    RefreshReused,
    PasswordChanged,
    PasswordResetRequested,
    PasswordReset,
    PhoneVerified,
    RoleGranted,
    /// Somebody who is logged in did not know the password.
    PasswordCheckFailed,
    ResetCodeFailed,
    PhoneCodeFailed,
    /// Too many of the three before: the next attempts are refused for a while.
    GuessingLocked,
}

impl Kind {
    pub const ALL: [Self; 16] = [
        Self::LoggedIn,
        Self::LoginFailed,
        Self::LoginLocked,
        Self::LoggedOut,
        Self::LoggedOutEverywhere,
        Self::SessionRevoked,
        Self::RefreshReused,
        Self::PasswordChanged,
        Self::PasswordResetRequested,
        Self::PasswordReset,
        Self::PhoneVerified,
        Self::RoleGranted,
        Self::PasswordCheckFailed,
        Self::ResetCodeFailed,
        Self::PhoneCodeFailed,
        Self::GuessingLocked,
    ];

    /// As it stands in the column and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::LoggedIn => "logged_in",
            Self::LoginFailed => "login_failed",
            Self::LoginLocked => "login_locked",
            Self::LoggedOut => "logged_out",
            Self::LoggedOutEverywhere => "logged_out_everywhere",
            Self::SessionRevoked => "session_revoked",
            Self::RefreshReused => "refresh_reused",
            Self::PasswordChanged => "password_changed",
            Self::PasswordResetRequested => "password_reset_requested",
            Self::PasswordReset => "password_reset",
            Self::PhoneVerified => "phone_verified",
            Self::RoleGranted => "role_granted",
            Self::PasswordCheckFailed => "password_check_failed",
            Self::ResetCodeFailed => "reset_code_failed",
            Self::PhoneCodeFailed => "phone_code_failed",
            Self::GuessingLocked => "guessing_locked",
        }
    }
}

/// The request behind it; what only the request itself knows is missing where a flow finished its work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'a> {
    pub client: Option<IpAddr>,
    pub user_agent: Option<&'a str>,
    pub session: Option<Uuid>,
    pub request: Uuid,
}

/// One of them, as it is written down.
#[derive(Debug, Clone, Copy)]
pub struct NewSecurityEvent<'a> {
    pub at: OffsetDateTime,
    pub kind: Kind,
    pub account: Option<AccountId>,
    pub source: Source<'a>,
}

/// One of them, as it is shown.
#[derive(Debug, Clone, FromRow)]
pub struct SecurityEvent {
    pub id: i64,
    pub at: OffsetDateTime,
    pub account_id: Option<Uuid>,
    pub kind: String,
    pub client_ip: Option<String>,
    pub user_agent: Option<String>,
    pub session_id: Option<Uuid>,
    pub request_id: Uuid,
}

pub async fn insert(executor: impl PgExecutor<'_>, new: &NewSecurityEvent<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO security_events (at, kind, account_id, client_ip, user_agent, session_id, request_id) \
         VALUES ($1, $2, $3, $4::inet, $5, $6, $7)",
    )
    .bind(new.at)
    .bind(new.kind.name())
    .bind(new.account.map(|account| account.0))
    .bind(new.source.client.map(|client| client.to_string()))
    .bind(new.source.user_agent)
    .bind(new.source.session)
    .bind(new.source.request)
    .execute(executor)
    .await?;
    Ok(())
}

/// Which of them, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search {
    pub account: Option<AccountId>,
    pub kind: Option<Kind>,
    pub offset: i64,
    pub limit: i64,
}

/// A page of them, and how many there are.
pub async fn list(pool: &PgPool, search: Search) -> Result<(Vec<SecurityEvent>, i64), sqlx::Error> {
    let account = search.account.map(|account| account.0);
    let kind = search.kind.map(Kind::name);
    let chosen = "FROM security_events WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::text IS NULL OR kind = $2)";
    let rows = format!(
        "SELECT id, at, account_id, kind, host(client_ip) AS client_ip, user_agent, session_id, request_id {chosen} \
         ORDER BY id DESC OFFSET $3 LIMIT $4"
    );
    let rows = sqlx::query_as(&rows).bind(account).bind(kind).bind(search.offset).bind(search.limit);
    let total = format!("SELECT count(*) {chosen}");
    let total = sqlx::query_scalar(&total).bind(account).bind(kind);
    Ok((rows.fetch_all(pool).await?, total.fetch_one(pool).await?))
}

/// Removes what is older than `before`; at most `limit`, and answers how many.
pub async fn delete_before(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        "DELETE FROM security_events WHERE id IN (SELECT id FROM security_events WHERE at < $1 ORDER BY at LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}
