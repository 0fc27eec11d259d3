//! A new password: its hash is kept, the journal decides whether it counts, then it is put in force. Should this
//! process end in between, the flow `logins` puts it in force.

use super::password::Passwords;
use super::security_log::Origin;
use crate::state::AppState;
use crate::{Chance, Problem};
use axum::extract::FromRef;
use domain::account::AccountRefusal;
use domain::{AccountCommand, AccountId, Command, Refusal};
use journal::tables::accounts::AccountRow;
use journal::tables::password_changes::{self, Applied, Decided, NewPassword};
use journal::{Clock, CommandError, Commands, Committed, Context, Rider};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Looks at a password that another one has to precede, and the pause between them.
const EARLIER_LOOKS: u32 = 20;
const EARLIER_PAUSE: Duration = Duration::from_millis(100);

/// Sets passwords.
#[derive(Clone)]
pub struct NewPasswords {
    pool: PgPool,
    commands: Commands,
    clock: Clock,
    chance: Chance,
    passwords: Passwords,
}

impl FromRef<AppState> for NewPasswords {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            commands: state.commands.clone(),
            clock: state.clock.clone(),
            chance: state.chance,
            passwords: state.passwords.clone(),
        }
    }
}

/// Whose request sets it.
#[derive(Clone, Copy)]
pub struct By<'a> {
    pub context: &'a Context,
    pub origin: &'a Origin,
}

impl NewPasswords {
    /// By one who has shown the secret of this reset. Ends all sessions; answers where the journal has got to.
    pub async fn reset(
        &self,
        account: AccountId,
        selector: Uuid,
        password: &str,
        by: By<'_>,
    ) -> Result<i64, Problem> {
        let ours = self.keep(account, selector, password, None).await?;
        if !ours && !self.kept(account, selector, password).await? {
            // Two with the same mail and different passwords: the first one has it.
            return Err(Refusal::Account(AccountRefusal::InvalidReset).into());
        }
        let command = AccountCommand::ResetPassword { selector, at: self.clock.now() };
        self.decide(account, selector, ours, command, by).await
    }

    /// By one who knows the password that counts. Ends all sessions but this one.
    pub async fn change(
        &self,
        row: &AccountRow,
        session: Uuid,
        password: &str,
        by: By<'_>,
    ) -> Result<i64, Problem> {
        let (account, credential) = (AccountId(row.id), self.chance.id());
        let ours = self.keep(account, credential, password, Some(session)).await?;
        let command = AccountCommand::ChangePassword { credential, replaces: row.credential };
        self.decide(account, credential, ours, command, by).await
    }

    async fn keep(
        &self,
        account: AccountId,
        id: Uuid,
        password: &str,
        kept_session: Option<Uuid>,
    ) -> Result<bool, Problem> {
        let (hash, now) = (self.passwords.hash(password).await?, self.clock.now());
        let new = NewPassword { id, account, hash: &hash, kept_session, now };
        Ok(password_changes::store(&self.pool, &new).await?)
    }

    /// Whether it is the same password that is kept, or in force, under this id: a repeat.
    async fn kept(&self, account: AccountId, id: Uuid, password: &str) -> Result<bool, Problem> {
        let hash = password_changes::hash(&self.pool, account, id).await?;
        Ok(self.passwords.verify(password, hash.as_deref()).await?)
    }

    async fn decide(
        &self,
        account: AccountId,
        id: Uuid,
        ours: bool,
        command: AccountCommand,
        by: By<'_>,
    ) -> Result<i64, Problem> {
        let commands = vec![Command::Account { id: account, command }];
        match self.commands.execute(commands, by.context, Rider::default()).await {
            Ok(committed) => {
                self.put_in_force(account, &committed, by.origin).await?;
                Ok(committed.position)
            }
            // Certainly not decided; what another request has kept is that one's to discard.
            Err(error @ (CommandError::Refused(_) | CommandError::Busy | CommandError::Contended { .. })) => {
                if ours {
                    password_changes::discard(&self.pool, id).await?;
                }
                Err(error.into())
            }
            // It may have been decided: then the flow needs the row.
            Err(error) => Err(error.into()),
        }
    }

    async fn put_in_force(
        &self,
        account: AccountId,
        committed: &Committed,
        origin: &Origin,
    ) -> Result<(), Problem> {
        for envelope in &committed.events {
            let event = envelope.decode().map_err(Problem::internal)?;
            let Some(decided) = Decided::of(account, &event) else { continue };
            self.apply(decided, origin).await?;
        }
        Ok(())
    }

    /// The change before this one may be on its way still.
    async fn apply(&self, decided: Decided, origin: &Origin) -> Result<(), Problem> {
        for _ in 0..EARLIER_LOOKS {
            let source = origin.source(None);
            match password_changes::apply(&self.pool, decided, source, self.clock.now()).await? {
                Applied::Now | Applied::Before => return Ok(()),
                Applied::Missing => {
                    return Err(Problem::internal("a decided password was not kept".to_owned()));
                }
                Applied::TooEarly => tokio::time::sleep(EARLIER_PAUSE).await,
            }
        }
        // It is decided, and the flow goes on; only it cannot be used yet.
        Err(Problem::unavailable("busy", 1))
    }
}
