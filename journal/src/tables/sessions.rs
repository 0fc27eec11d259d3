//! Devices and their refresh tokens. Each use replaces the token; who presents a replaced one shows that it leaked.

use crate::context::Context;
use crate::mac::{Label, mac};
use crate::timers::{self, Timer};
use domain::{AccountCommand, AccountId, Command};
use sha2::{Digest, Sha256};
use sqlx::{PgExecutor, PgPool, PgTransaction};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A repeat of the last token within this time is a retry or a second tab, and gets the same successor.
pub const GRACE: Duration = Duration::seconds(10);

/// How a token is kept.
pub type TokenDigest = [u8; 32];

pub fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token.as_bytes()).into()
}

/// The token that replaces the presented one: derived, so that every repeat gets the same without it being stored.
pub fn successor(server_secret: &[u8], token: &str) -> String {
    hex::encode(mac(server_secret, Label::RefreshToken, &[token.as_bytes()]))
}

/// A device's session as it begins.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    pub id: Uuid,
    pub account: AccountId,
    /// The password that was shown.
    pub credential: Uuid,
    pub remember: bool,
    pub user_agent: Option<&'a str>,
    pub now: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub token: TokenDigest,
}

/// Writes session and first token; false if another password counts by now than the one that was shown.
pub async fn open(executor: impl PgExecutor<'_>, new: &NewSession<'_>) -> Result<bool, sqlx::Error> {
    // Whoever puts a password in force changes the account first and ends its sessions then: either this waits for
    // the lock and finds another credential, or the session is there to be ended.
    let opened = sqlx::query(
        "WITH account AS (SELECT id FROM accounts WHERE id = $2 AND credential_id = $8 FOR SHARE), \
         session AS (INSERT INTO sessions (id, account_id, remember, user_agent, created_at, expires_at) \
         SELECT $1, id, $3, $4, $5, $6 FROM account) \
         INSERT INTO refresh_tokens (token_sha256, session_id, issued_at, expires_at) \
         SELECT $7, $1, $5, $6 FROM account",
    )
    .bind(new.id)
    .bind(new.account.0)
    .bind(new.remember)
    .bind(new.user_agent)
    .bind(new.now)
    .bind(new.expires_at)
    .bind(new.token)
    .bind(new.credential)
    .execute(executor)
    .await?;
    Ok(opened.rows_affected() == 1)
}

/// What is known of a presented token.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TokenRow {
    pub session_id: Uuid,
    pub account_id: Uuid,
    pub remember: bool,
    /// Of the token or of its session, whichever ends first.
    pub expires_at: OffsetDateTime,
    pub revoked_at: Option<OffsetDateTime>,
    pub used_at: Option<OffsetDateTime>,
    /// Its successor was used, too: it is not the last one any more.
    pub successor_used: bool,
}

/// What a presented token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The live one: use it up, issue its successor.
    Fresh,
    /// The last one, once more within [`GRACE`]: its successor again.
    Repeat,
    /// Replaced before: somebody else has a copy.
    Reused,
    /// Expired or revoked.
    Ended,
}

impl TokenRow {
    pub fn judge(&self, now: OffsetDateTime) -> Verdict {
        if self.revoked_at.is_some() || now >= self.expires_at {
            return Verdict::Ended;
        }
        match self.used_at {
            None => Verdict::Fresh,
            Some(used_at) if now - used_at <= GRACE && !self.successor_used => Verdict::Repeat,
            Some(_) => Verdict::Reused,
        }
    }
}

/// How a refresh ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    Rotated {
        session: Uuid,
        account: AccountId,
        remember: bool,
        token: String,
    },
    /// The session was revoked by this, and its owner will hear of it.
    Reused {
        session: Uuid,
        account: AccountId,
    },
    Ended,
    Unknown,
}

/// Exchanges a token for its successor; or revokes the session of a reused one, and has its owner told. Nothing is to
/// be committed unless it is one of these.
pub async fn rotate(
    transaction: &mut PgTransaction<'_>,
    server_secret: &[u8],
    presented: &str,
    now: OffsetDateTime,
    life: Duration,
    request: Uuid,
) -> Result<Rotation, sqlx::Error> {
    let token = successor(server_secret, presented);
    let (old, new) = (digest(presented), digest(&token));
    let Some(row) = locked(&mut **transaction, old, new).await? else { return Ok(Rotation::Unknown) };
    let (session, account) = (row.session_id, AccountId(row.account_id));
    let rotated = Rotation::Rotated { session, account, remember: row.remember, token };
    Ok(match row.judge(now) {
        Verdict::Ended => Rotation::Ended,
        Verdict::Repeat => rotated,
        Verdict::Fresh => {
            replace(&mut **transaction, session, old, new, now, now + life).await?;
            extend(&mut **transaction, session, now + life).await?;
            rotated
        }
        Verdict::Reused => {
            revoke_own(&mut **transaction, account, session, now).await?;
            timers::schedule(&mut **transaction, &theft(session, account, now, request), now).await?;
            Rotation::Reused { session, account }
        }
    })
}

/// A command that is due at once: it outlives this process, and is given once.
fn theft(session: Uuid, account: AccountId, now: OffsetDateTime, request: Uuid) -> Timer {
    let id = domain::ids::derived(&["stolen session", &session.to_string()]);
    let context = Context {
        command_id: id,
        correlation_id: request,
        causation_position: None,
        actor: "system:refresh".to_owned(),
        trace: None,
    };
    let command = AccountCommand::ReportStolenSession { session };
    Timer { id, due_at: now, command: Command::Account { id: account, command }, context }
}

/// The token with its session; the session's row is locked, so that two refreshes take turns.
async fn locked(
    executor: impl PgExecutor<'_>,
    token: TokenDigest,
    successor: TokenDigest,
) -> Result<Option<TokenRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT s.id AS session_id, s.account_id, s.remember, least(s.expires_at, t.expires_at) AS expires_at, \
         s.revoked_at, t.used_at, \
         EXISTS (SELECT FROM refresh_tokens n WHERE n.token_sha256 = $2 AND n.used_at IS NOT NULL) AS successor_used \
         FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_sha256 = $1 \
         FOR UPDATE OF s, t",
    )
    .bind(token)
    .bind(successor)
    .fetch_optional(executor)
    .await
}

async fn replace(
    executor: impl PgExecutor<'_>,
    session: Uuid,
    old: TokenDigest,
    new: TokenDigest,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH used AS (UPDATE refresh_tokens SET used_at = $4 WHERE token_sha256 = $2) \
         INSERT INTO refresh_tokens (token_sha256, session_id, issued_at, expires_at) VALUES ($3, $1, $4, $5)",
    )
    .bind(session)
    .bind(old)
    .bind(new)
    .bind(now)
    .bind(expires_at)
    .execute(executor)
    .await?;
    Ok(())
}

async fn extend(
    executor: impl PgExecutor<'_>,
    session: Uuid,
    expires_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sessions SET expires_at = $2 WHERE id = $1")
        .bind(session)
        .bind(expires_at)
        .execute(executor)
        .await?;
    Ok(())
}

/// A device that is logged in.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Device {
    pub id: Uuid,
    pub user_agent: Option<String>,
    pub remember: bool,
    pub created_at: OffsetDateTime,
    /// When it last renewed its tokens.
    pub used_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// A page of an account's, the last used first, and how many there are.
pub async fn devices(
    pool: &PgPool,
    account: AccountId,
    now: OffsetDateTime,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Device>, i64), sqlx::Error> {
    let devices = sqlx::query_as(
        "SELECT s.id, s.user_agent, s.remember, s.created_at, s.expires_at, \
         (SELECT max(t.issued_at) FROM refresh_tokens t WHERE t.session_id = s.id) AS used_at \
         FROM sessions s WHERE s.account_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 \
         ORDER BY used_at DESC, s.id DESC LIMIT $3 OFFSET $4",
    )
    .bind(account.0)
    .bind(now)
    .bind(limit)
    .bind(offset)
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar(
        "SELECT count(*) FROM sessions WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2",
    )
    .bind(account.0)
    .bind(now)
    .fetch_one(pool)
    .await?;
    Ok((devices, total))
}

/// Ends a session of this account; false if it has no such session that lives.
pub async fn revoke_own(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    session: Uuid,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query(
        "UPDATE sessions SET revoked_at = $3 WHERE id = $2 AND account_id = $1 AND revoked_at IS NULL AND expires_at > $3",
    )
    .bind(account.0)
    .bind(session)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends the session that a token belongs to, whichever of its tokens it is; answers it and its account if it lived.
pub async fn revoke_by_token(
    executor: impl PgExecutor<'_>,
    token: TokenDigest,
    now: OffsetDateTime,
) -> Result<Option<(Uuid, AccountId)>, sqlx::Error> {
    let ended: Option<(Uuid, Uuid)> = sqlx::query_as(
        "UPDATE sessions SET revoked_at = $2 WHERE revoked_at IS NULL \
         AND id = (SELECT session_id FROM refresh_tokens WHERE token_sha256 = $1) RETURNING id, account_id",
    )
    .bind(token)
    .bind(now)
    .fetch_optional(executor)
    .await?;
    Ok(ended.map(|(session, account)| (session, AccountId(account))))
}

/// Ends all sessions of an account, and answers how many.
pub async fn revoke_all(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let result =
        sqlx::query("UPDATE sessions SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL")
            .bind(account.0)
            .bind(now)
            .execute(executor)
            .await?;
    Ok(result.rows_affected())
}

/// Forgets sessions that ended before a time, with their tokens; at most `limit`, and answers how many.
pub async fn delete_ended_before(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}

/// Forgets tokens that expired before a time, also those of sessions that live on; at most `limit`, and answers how many.
pub async fn delete_expired_tokens(
    executor: impl PgExecutor<'_>,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        "DELETE FROM refresh_tokens WHERE token_sha256 IN \
         (SELECT token_sha256 FROM refresh_tokens WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn row(used_seconds_ago: Option<i64>, successor_used: bool) -> TokenRow {
        TokenRow {
            session_id: Uuid::nil(),
            account_id: Uuid::nil(),
            remember: false,
            expires_at: NOW + Duration::days(1),
            revoked_at: None,
            used_at: used_seconds_ago.map(|seconds| NOW - Duration::seconds(seconds)),
            successor_used,
        }
    }

    #[test]
    fn the_live_token_is_fresh_until_it_ends() {
        assert_eq!(row(None, false).judge(NOW), Verdict::Fresh);
        assert_eq!(row(None, false).judge(NOW + Duration::days(1)), Verdict::Ended);
        let revoked = TokenRow { revoked_at: Some(NOW), ..row(None, false) };
        assert_eq!(revoked.judge(NOW), Verdict::Ended);
    }

    #[test]
    fn the_last_token_may_be_repeated_for_ten_seconds() {
        assert_eq!(row(Some(10), false).judge(NOW), Verdict::Repeat);
        assert_eq!(row(Some(11), false).judge(NOW), Verdict::Reused);
    }

    #[test]
    fn an_older_token_is_reuse_at_once() {
        assert_eq!(row(Some(1), true).judge(NOW), Verdict::Reused);
    }

    #[test]
    fn every_repeat_derives_the_same_successor_and_nobody_else_can() {
        assert_eq!(successor(b"s", "t"), successor(b"s", "t"));
        assert_ne!(successor(b"s", "t"), successor(b"other", "t"));
        assert_eq!(successor(b"s", "t").len(), 64);
    }
}
