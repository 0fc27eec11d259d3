//! A new account: first its row, then the event that claims the address. A row without its event is never found.

use super::email::Email;
use super::password::{HashError, Passwords};
use crate::extract::Locale;
use crate::state::AppState;
use crate::{Chance, Problem, Secret};
use axum::extract::FromRef;
use cqrs_es::Aggregate;
use domain::account::{Account, AccountRefusal, Role, Verification};
use domain::{AccountCommand, AccountId, Command, Refusal};
use journal::read::ReadError;
use journal::tables::accounts::{self, AccountRow, StoredRole};
use journal::tables::verification;
use journal::{Clock, CommandError, Commands, Context, Rider};
use sqlx::PgPool;
use std::time::Duration;

/// What was accepted; a new text gets a new version, and old events keep theirs.
pub const TERMS_VERSION: &str = "2026-11-01";
pub const PRIVACY_VERSION: &str = "2026-11-01";

/// Makes accounts, and verification requests for them.
#[derive(Clone)]
pub struct Registration {
    pub pool: PgPool,
    pub commands: Commands,
    pub clock: Clock,
    pub chance: Chance,
    pub passwords: Passwords,
    pub server_secret: Secret,
    pub verification_life: Duration,
}

impl FromRef<AppState> for Registration {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            commands: state.commands.clone(),
            clock: state.clock.clone(),
            chance: state.chance,
            passwords: state.passwords.clone(),
            server_secret: state.config.server_secret.clone(),
            verification_life: state.config.verification_life,
        }
    }
}

/// Who is to have an account; all of it checked before.
#[derive(Clone)]
pub struct NewAccount {
    pub id: AccountId,
    pub email: Email,
    pub name: Option<String>,
    pub role: Role,
    pub password: String,
    pub locale: Locale,
    pub revenue_share: bool,
    /// By an operator who vouches for the address.
    pub verified: bool,
}

/// An account, and where its event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    pub account: AccountId,
    pub position: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("the e-mail address is in use")]
    EmailInUse,
    #[error("the key has registered somebody with another name or role")]
    KeyReused,
    #[error("the command was not done")]
    Command(#[source] CommandError),
    #[error("the password cannot be hashed")]
    Hash(#[from] HashError),
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailInUse => Self::conflict("email_in_use"),
            RegisterError::KeyReused => Self::conflict("idempotency_key_reused"),
            RegisterError::Command(error) => error.into(),
            RegisterError::Hash(error) => error.into(),
            RegisterError::Read(error) => Self::internal(error),
            RegisterError::Database(error) => error.into(),
        }
    }
}

impl Registration {
    /// Registers; a repeat under the same id with the same password answers the same.
    pub async fn register(&self, new: &NewAccount, context: &Context) -> Result<Registered, RegisterError> {
        let row = self.row(new).await?;
        accounts::insert(&self.pool, &row).await?;
        let verification = self.fresh_verification();
        let email = accounts::email_claim(self.server_secret.bytes(), &new.email.comparable());
        let claims = vec![email, verification::claim(verification.selector)];
        let commands = register_commands(new, verification, row.created_at);
        match self.commands.execute(commands, context, Rider { claims, idempotency: None }).await {
            Ok(committed) => Ok(Registered { account: new.id, position: committed.position }),
            Err(CommandError::Refused(Refusal::Account(AccountRefusal::AlreadyRegistered))) => {
                self.repeated(new).await
            }
            Err(CommandError::ClaimTaken { .. }) => {
                accounts::delete(&self.pool, new.id).await?;
                Err(RegisterError::EmailInUse)
            }
            Err(refused @ CommandError::Refused(_)) => {
                accounts::delete(&self.pool, new.id).await?;
                Err(RegisterError::Command(refused))
            }
            // It may have been committed: a registered account must keep its row, and an orphan is never found.
            Err(error) => Err(RegisterError::Command(error)),
        }
    }

    /// Asks for another link; done for unknown and verified addresses alike, where nothing happens.
    pub async fn resend(&self, email: &Email, context: &Context) -> Result<(), RegisterError> {
        let secret = self.server_secret.bytes();
        let Some(row) = accounts::by_email(&self.pool, secret, &email.comparable()).await? else {
            return Ok(());
        };
        let verification = self.fresh_verification();
        let claims = vec![verification::claim(verification.selector)];
        let command = Command::Account {
            id: AccountId(row.id),
            command: AccountCommand::RequestVerification { verification },
        };
        let rider = Rider { claims, idempotency: None };
        self.commands.execute(vec![command], context, rider).await.map_err(RegisterError::Command)?;
        Ok(())
    }

    fn fresh_verification(&self) -> Verification {
        Verification { selector: self.chance.id(), expires_at: self.clock.now() + self.verification_life }
    }

    async fn row(&self, new: &NewAccount) -> Result<AccountRow, RegisterError> {
        let now = self.clock.now();
        Ok(AccountRow {
            id: new.id.0,
            email: new.email.as_typed().to_owned(),
            name: new.name.clone(),
            password_hash: self.passwords.hash(&new.password).await?,
            credential: uuid::Uuid::nil(),
            role: StoredRole(new.role),
            locale: new.locale.tag().to_owned(),
            created_at: now,
            updated_at: now,
        })
    }

    /// The id was derived from a key that was used before: only who knows the password gets the same answer.
    async fn repeated(&self, new: &NewAccount) -> Result<Registered, RegisterError> {
        let row = accounts::get(&self.pool, new.id).await?;
        let hash = row.as_ref().map(|row| row.password_hash.as_str());
        if !self.passwords.verify(&new.password, hash).await? {
            return Err(RegisterError::EmailInUse);
        }
        if !row.is_some_and(|row| row.name == new.name && row.role.0 == new.role) {
            return Err(RegisterError::KeyReused);
        }
        let stream = [(Account::TYPE.to_owned(), new.id.to_string())];
        let position = journal::read::last_position(&self.pool, &stream).await?;
        Ok(Registered { account: new.id, position })
    }
}

fn register_commands(
    new: &NewAccount,
    verification: Verification,
    now: time::OffsetDateTime,
) -> Vec<Command> {
    let selector = verification.selector;
    let register = AccountCommand::Register {
        role: new.role,
        terms_version: TERMS_VERSION.to_owned(),
        privacy_version: PRIVACY_VERSION.to_owned(),
        revenue_share: new.revenue_share,
        verification,
    };
    let verify = new.verified.then_some(AccountCommand::VerifyEmail { selector, at: now });
    [Some(register), verify]
        .into_iter()
        .flatten()
        .map(|command| Command::Account { id: new.id, command })
        .collect()
}
