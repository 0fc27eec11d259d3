//! Address and password of a login.

use super::email::comparable;
use super::password::{LENGTH_MAX, Passwords};
use crate::state::AppState;
use crate::{Problem, Secret};
use axum::extract::FromRef;
use journal::tables::accounts::{self, AccountRow};
use sqlx::PgPool;

/// Finds accounts by address, and proves that the caller knows their password.
#[derive(Clone)]
pub struct Credentials {
    pool: PgPool,
    passwords: Passwords,
    server_secret: Secret,
}

impl FromRef<AppState> for Credentials {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            passwords: state.passwords.clone(),
            server_secret: state.config.server_secret.clone(),
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
        if password.chars().count() > LENGTH_MAX {
            return Err(refused());
        }
        let hash = row.as_ref().map(|row| row.password_hash.as_str());
        let matches = self.passwords.verify(password, hash).await?;
        row.filter(|_| matches).ok_or_else(refused)
    }
}
