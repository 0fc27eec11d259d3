//! The role that the journal decided, brought to where tokens are made.

use crate::read::{self, ReadError};
use crate::tables::accounts;
use crate::tables::security_events::{self, Kind, NewSecurityEvent, Source};
use cqrs_es::Aggregate;
use domain::account::{Account, Role};
use domain::{AccountEvent, AccountId, Event};
use sqlx::PgPool;
use time::OffsetDateTime;

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error("there is no such account")]
    NoAccount,
    #[error("an event of the account cannot be read")]
    Unreadable(#[from] domain::DecodeError),
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

/// Reads the role under the account's lock, so that of two who do so the later one writes what is newer. That it came
/// into force is on record in the same commit, once, whoever brings it.
pub async fn put_in_force(pool: &PgPool, account: AccountId, now: OffsetDateTime) -> Result<Role, RoleError> {
    let mut transaction = pool.begin().await?;
    if !accounts::lock(&mut *transaction, account).await? {
        return Err(RoleError::NoAccount);
    }
    let types = ["registered", "role_granted"];
    let id = account.to_string();
    let mut current = None;
    for envelope in read::stream_of_types(&mut *transaction, Account::TYPE, &id, &types).await? {
        if let Event::Account(
            AccountEvent::Registered { role, .. } | AccountEvent::RoleGranted { role, .. },
        ) = envelope.decode()?
        {
            current = Some((role, envelope.correlation_id()));
        }
    }
    let (role, request) = current.ok_or(RoleError::NoAccount)?;
    if accounts::set_role(&mut *transaction, account, role, now).await? {
        let source = Source { request, ..Source::default() };
        let new = NewSecurityEvent { at: now, kind: Kind::RoleGranted, account: Some(account), source };
        security_events::insert(&mut *transaction, &new).await?;
    }
    transaction.commit().await?;
    Ok(role)
}
