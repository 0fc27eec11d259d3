//! Sessions: one per device, kept alive by refresh tokens that are replaced at each use.

use crate::{Chance, Problem, Secret};
use domain::AccountId;
use journal::Clock;
use journal::tables::accounts::AccountRow;
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
    Reused {
        session: Uuid,
        account: AccountId,
    },
}

impl Sessions {
    /// A login on a device, with the password that `row` has; refused if it was replaced meanwhile.
    pub async fn begin(
        &self,
        row: &AccountRow,
        remember: bool,
        user_agent: Option<&str>,
    ) -> Result<Session, Problem> {
        let (account, now) = (AccountId(row.id), self.clock.now());
        let (id, refresh) = (self.chance.id_at(now), self.chance.token());
        let user_agent: Option<String> = user_agent.map(|text| text.chars().take(USER_AGENT_MAX).collect());
        let new = NewSession {
            id,
            account,
            credential: row.credential,
            remember,
            user_agent: user_agent.as_deref(),
            now,
            expires_at: now + self.life,
            token: sessions::digest(&refresh),
        };
        if !sessions::open(&self.pool, &new).await? {
            return Err(refused("invalid_credentials"));
        }
        Ok(Session { id, account, remember, refresh })
    }

    /// The successor of a refresh token; a reused one ends its session, and its owner gets a mail.
    pub async fn renew(&self, token: &str, request: Uuid) -> Result<Renewal, Problem> {
        let now = self.clock.now();
        let life = time::Duration::try_from(self.life).map_err(Problem::internal)?;
        match sessions::rotate(&self.pool, self.secret.bytes(), token, now, life, request).await? {
            Rotation::Rotated { session, account, remember, token } => {
                Ok(Renewal::Session(Session { id: session, account, remember, refresh: token }))
            }
            Rotation::Reused { session, account } => {
                tracing::warn!(session.id = %session, account.id = %account, "a replaced refresh token was presented");
                Ok(Renewal::Reused { session, account })
            }
            Rotation::Ended | Rotation::Unknown => Err(refused("invalid_refresh")),
        }
    }

    /// Ends the session of a refresh token, if there is one.
    pub async fn end_by_token(&self, token: &str) -> Result<Option<(Uuid, AccountId)>, Problem> {
        Ok(sessions::revoke_by_token(&self.pool, sessions::digest(token), self.clock.now()).await?)
    }

    pub async fn end(&self, session: Uuid) -> Result<bool, Problem> {
        Ok(sessions::revoke(&self.pool, session, self.clock.now()).await?)
    }

    /// Ends all sessions of an account: `logout-all`, a new password.
    pub async fn end_all(&self, account: AccountId) -> Result<(), Problem> {
        sessions::revoke_all(&self.pool, account, self.clock.now()).await?;
        Ok(())
    }
}

pub(crate) fn refused(code: &'static str) -> Problem {
    Problem { code, ..Problem::unauthorized() }
}
