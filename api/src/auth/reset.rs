//! A forgotten password: a mail with a link and a short code, either of which gives the right to a new one.
//!
//! The code has four digits, so its attempts are counted, for addresses without an account as well. Whoever uses them
//! up for somebody else spoils the code alone: the link in the same mail cannot be guessed and is not counted.

use super::email::Email;
use super::security_log::SecurityLog;
use crate::limits::Limits;
use crate::state::AppState;
use crate::{Chance, Problem, Secret};
use axum::extract::FromRef;
use domain::account::{Account, Verification};
use domain::{AccountCommand, AccountId, Command};
use journal::tables::security_events::Kind;
use journal::tables::short_code::{self, Purpose};
use journal::tables::{accounts, password_reset};
use journal::{Clock, Commands, Context, Rider};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Asks for resets, and checks what was mailed.
#[derive(Clone)]
pub struct Resets {
    pool: PgPool,
    commands: Commands,
    clock: Clock,
    chance: Chance,
    server_secret: Secret,
    life: Duration,
}

impl FromRef<AppState> for Resets {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            commands: state.commands.clone(),
            clock: state.clock.clone(),
            chance: state.chance,
            server_secret: state.config.server_secret.clone(),
            life: state.config.reset_life,
        }
    }
}

/// The right to a new password.
#[derive(Debug, Clone, Copy)]
pub struct Proven {
    pub account: AccountId,
    pub selector: Uuid,
}

/// What a code is to the newest mail's.
enum Matched {
    Good(Proven),
    /// It was good.
    Late,
    Not,
}

impl Resets {
    /// Has a mail sent, if the address has an account.
    pub async fn request(&self, email: &Email, context: &Context) -> Result<Option<AccountId>, Problem> {
        let Some(account) = self.account(email).await? else { return Ok(None) };
        let reset = Verification { selector: self.chance.id(), expires_at: self.clock.now() + self.life };
        let command =
            Command::Account { id: account, command: AccountCommand::RequestPasswordReset { reset } };
        self.commands.execute(vec![command], context, Rider::default()).await?;
        Ok(Some(account))
    }

    /// What a link leads to; whether it is still good, the account decides.
    pub fn by_token(&self, token: &str) -> Result<Proven, Problem> {
        let checked = password_reset::checked(self.server_secret.bytes(), token);
        checked.map(|(account, selector)| Proven { account, selector }).ok_or_else(invalid)
    }

    /// What a code leads to: only the newest mail's is good. Each call is an attempt, unless it succeeds.
    pub async fn by_code(
        &self,
        limits: &Limits,
        log: &SecurityLog,
        email: &Email,
        code: &str,
    ) -> Result<Proven, Problem> {
        let (rule, subject) = (limits.rules().reset_code, email.comparable());
        let (account, taken) = (self.account(email).await?, limits.limiter().take(rule, &subject).await?);
        log.admit(taken, account, "reset_code_locked").await?;
        let proven = match self.matching(account, code).await? {
            Matched::Good(proven) => proven,
            Matched::Late => return Err(Problem::bad_request("reset_expired")),
            Matched::Not => {
                log.note(Kind::ResetCodeFailed, account, None).await?;
                return Err(invalid());
            }
        };
        limits.limiter().forget(rule, &subject).await;
        Ok(proven)
    }

    async fn matching(&self, account: Option<AccountId>, code: &str) -> Result<Matched, Problem> {
        let Some(account) = account else { return Ok(Matched::Not) };
        let state = self.commands.state::<Account>(&account.to_string()).await?;
        let newest = state.registered().and_then(|person| person.newest_reset());
        let Some(Verification { selector, expires_at }) = newest.cloned() else { return Ok(Matched::Not) };
        let (secret, purpose) = (self.server_secret.bytes(), Purpose::PasswordReset);
        Ok(match short_code::is_code(secret, purpose, account, selector, code) {
            true if expires_at > self.clock.now() => Matched::Good(Proven { account, selector }),
            true => Matched::Late,
            false => Matched::Not,
        })
    }

    async fn account(&self, email: &Email) -> Result<Option<AccountId>, Problem> {
        let row = accounts::by_email(&self.pool, self.server_secret.bytes(), &email.comparable()).await;
        Ok(row.map_err(Problem::internal)?.map(|row| AccountId(row.id)))
    }
}

fn invalid() -> Problem {
    Problem::bad_request("reset_invalid")
}
