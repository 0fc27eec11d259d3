//! Address and password of a login.

use super::email::comparable;
use super::password::{self, Passwords};
use crate::state::AppState;
use crate::{Problem, Secret};
use axum::extract::FromRef;
use domain::AccountId;
use journal::Clock;
use journal::tables::accounts::{self, AccountRow};
use sqlx::PgPool;

/// Finds accounts by address, and proves that the caller knows their password.
#[derive(Clone)]
pub struct Credentials {
    pool: PgPool,
    passwords: Passwords,
    server_secret: Secret,
    clock: Clock,
}

impl FromRef<AppState> for Credentials {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            passwords: state.passwords.clone(),
            server_secret: state.config.server_secret.clone(),
            clock: state.clock.clone(),
        }
    }
}

impl Credentials {
    pub async fn find(&self, email: &str) -> Result<Option<AccountRow>, Problem> {
        let row = accounts::by_email(&self.pool, self.server_secret.bytes(), &comparable(email)).await;
        row.map_err(Problem::internal)
    }

    /// The account, if the password is its own. Unknown addresses take as long, and get the same answer.
    pub async fn proven(&self, row: Option<AccountRow>, password: &str) -> Result<AccountRow, Problem> {
        let refused = || Problem { code: "invalid_credentials", ..Problem::unauthorized() };
        if !password::fits(password) {
            return Err(refused());
        }
        let hash = row.as_ref().map(|row| row.password_hash.as_str());
        let matches = self.passwords.verify(password, hash).await?;
        let row = row.filter(|_| matches).ok_or_else(refused)?;
        if self.passwords.is_outdated(&row.password_hash) {
            self.rehash(&row, password).await?;
        }
        Ok(row)
    }

    /// Whether the password is this account's.
    pub async fn matches(&self, row: &AccountRow, password: &str) -> Result<bool, Problem> {
        Ok(password::fits(password) && self.passwords.verify(password, Some(&row.password_hash)).await?)
    }

    /// The same password with today's parameters, unless another one came meanwhile.
    async fn rehash(&self, row: &AccountRow, password: &str) -> Result<(), Problem> {
        let (account, hash) = (AccountId(row.id), self.passwords.hash(password).await?);
        Ok(accounts::replace_hash(&self.pool, account, &row.password_hash, &hash, self.clock.now()).await?)
    }
}
