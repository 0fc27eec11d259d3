//! The mailed link: its selector leads to one account, its secret is checked for that one.

use crate::extract::RequestContext;
use crate::state::AppState;
use crate::{Problem, Secret};
use axum::extract::FromRef;
use domain::{AccountCommand, AccountId, Command};
use journal::tables::{accounts, verification};
use journal::{Clock, Commands, Rider};
use sqlx::PgPool;
use uuid::Uuid;

/// Checks tokens of links, and verifies the addresses.
#[derive(Clone)]
pub struct Verifier {
    pool: PgPool,
    commands: Commands,
    clock: Clock,
    server_secret: Secret,
}

impl FromRef<AppState> for Verifier {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            commands: state.commands.clone(),
            clock: state.clock.clone(),
            server_secret: state.config.server_secret.clone(),
        }
    }
}

impl Verifier {
    /// Verifies, and answers the position of the event; a second click is no error.
    pub async fn verify(&self, token: &str, context: &RequestContext) -> Result<i64, Problem> {
        let (account, selector) = self.proven(token).await?;
        let verify = AccountCommand::VerifyEmail { selector, at: self.clock.now() };
        let command = Command::Account { id: account, command: verify };
        let context = context.by(account);
        let committed = self.commands.execute(vec![command], &context, Rider::default()).await?;
        Ok(committed.position)
    }

    async fn proven(&self, token: &str) -> Result<(AccountId, Uuid), Problem> {
        let invalid = || Problem::bad_request("verification_invalid");
        let selector = verification::selector(token).ok_or_else(invalid)?;
        let owner = accounts::owner(&self.pool, &verification::claim(selector)).await;
        let account = owner.map_err(Problem::internal)?.ok_or_else(invalid)?;
        verification::parse_and_check(self.server_secret.bytes(), token, account)
            .map(|selector| (account, selector))
            .ok_or_else(invalid)
    }
}
