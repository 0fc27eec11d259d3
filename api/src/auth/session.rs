//! Sessions: one per device, kept alive by refresh tokens that are replaced at each use.

use super::security_log::Origin;
use crate::{Chance, Problem, Secret};
use domain::AccountId;
use journal::Clock;
use journal::tables::accounts::AccountRow;
use journal::tables::security_events::Kind;
use journal::tables::sessions::{self, NewSession, Rotation};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Longest user agent that is kept, in characters.
pub(super) const USER_AGENT_MAX: usize = 256;

/// Begins, renews and ends sessions.
#[derive(Clone)]
pub struct Sessions {
    pub pool: PgPool,
    pub clock: Clock,
    pub chance: Chance,
    pub secret: Secret,
    pub life: Duration,
}

/// A session with the refresh token that is good for it now.
#[derive(Clone)]
pub struct Session {
    pub id: Uuid,
    pub account: AccountId,
    pub remember: bool,
    pub refresh: String,
}

/// What a refresh token is good for.
pub enum Renewal {
    Session(Session),
    /// It was replaced before: somebody has a copy. The session is over.
    Reused,
}

/// Each change is written together with its record.
impl Sessions {
    /// A login on a device, with the password that `row` has; refused if it was replaced meanwhile.
    pub async fn begin(&self, row: &AccountRow, remember: bool, origin: &Origin) -> Result<Session, Problem> {
        let (account, now) = (AccountId(row.id), self.clock.now());
        let (id, refresh) = (self.chance.id_at(now), self.chance.token());
        let new = NewSession {
            id,
            account,
            credential: row.credential,
            remember,
            user_agent: origin.user_agent.as_deref(),
            now,
            expires_at: now + self.life,
            token: sessions::digest(&refresh),
        };
        let mut tx = self.pool.begin().await?;
        if !sessions::open(&mut *tx, &new).await? {
            return Err(refused("invalid_credentials"));
        }
        origin.note(&mut *tx, now, Kind::LoggedIn, (Some(account), Some(id))).await?;
        tx.commit().await?;
        Ok(Session { id, account, remember, refresh })
    }

    /// The successor of a refresh token; a reused one ends its session, and its owner gets a mail.
    pub async fn renew(&self, token: &str, origin: &Origin) -> Result<Renewal, Problem> {
        let now = self.clock.now();
        let life = time::Duration::try_from(self.life).map_err(Problem::internal)?;
        let mut tx = self.pool.begin().await?;
        let secret = self.secret.bytes();
        match sessions::rotate(&mut tx, secret, token, now, life, origin.request).await? {
            Rotation::Rotated { session, account, remember, token } => {
                tx.commit().await?;
                Ok(Renewal::Session(Session { id: session, account, remember, refresh: token }))
            }
            Rotation::Reused { session, account } => {
                origin.note(&mut *tx, now, Kind::RefreshReused, (Some(account), Some(session))).await?;
                tx.commit().await?;
                tracing::warn!(session.id = %session, account.id = %account, "a replaced refresh token was presented");
                Ok(Renewal::Reused)
            }
            Rotation::Ended | Rotation::Unknown => Err(refused("invalid_refresh")),
        }
    }

    /// Ends the session of a refresh token, if there is one.
    pub async fn end_by_token(&self, token: &str, origin: &Origin) -> Result<(), Problem> {
        let (mut tx, now) = (self.pool.begin().await?, self.clock.now());
        if let Some((session, account)) =
            sessions::revoke_by_token(&mut *tx, sessions::digest(token), now).await?
        {
            origin.note(&mut *tx, now, Kind::LoggedOut, (Some(account), Some(session))).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends a session of this account, and says why; false if it has no such session that lives.
    pub async fn end(
        &self,
        account: AccountId,
        session: Uuid,
        why: Kind,
        origin: &Origin,
    ) -> Result<bool, Problem> {
        let (mut tx, now) = (self.pool.begin().await?, self.clock.now());
        let ended = sessions::revoke_own(&mut *tx, account, session, now).await?;
        if ended {
            origin.note(&mut *tx, now, why, (Some(account), Some(session))).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    /// Ends all sessions of an account.
    pub async fn end_all(&self, account: AccountId, origin: &Origin) -> Result<(), Problem> {
        let (mut tx, now) = (self.pool.begin().await?, self.clock.now());
        sessions::revoke_all(&mut *tx, account, now).await?;
        origin.note(&mut *tx, now, Kind::LoggedOutEverywhere, (Some(account), None)).await?;
        Ok(tx.commit().await?)
    }
}

pub(crate) fn refused(code: &'static str) -> Problem {
    Problem { code, ..Problem::unauthorized() }
}
