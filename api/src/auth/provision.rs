//! Accounts made by an operator: demo logins, and the first admins. The same commands as for everybody else.

use super::email::Email;
use super::password;
use super::registration::{NewAccount, RegisterError, Registered, Registration};
use crate::Problem;
use crate::error::Fields;
use crate::extract::Locale;
use domain::AccountId;
use domain::account::Role;
use journal::Context;
use journal::tables::accounts;

/// Who is to have an account.
#[derive(Clone)]
pub struct Provision {
    pub email: String,
    pub name: Option<String>,
    pub role: Role,
    pub password: String,
    pub verified: bool,
    pub locale: Locale,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provisioned {
    Created(Registered),
    /// The address has an account; nothing was changed.
    Existing {
        account: AccountId,
        role: Role,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("this is no e-mail address")]
    Email,
    #[error("this password does not keep the rule: {}", codes(.0))]
    Password(Box<Problem>),
    #[error("the account cannot be made")]
    Register(#[from] RegisterError),
}

fn codes(problem: &Problem) -> String {
    problem.more.fields.iter().map(|field| field.code).collect::<Vec<_>>().join(", ")
}

/// Makes the account unless its address has one already.
pub async fn provision(
    registration: &Registration,
    wanted: Provision,
) -> Result<Provisioned, ProvisionError> {
    let email = Email::parse(&wanted.email).ok_or(ProvisionError::Email)?;
    let mut fields = Fields::new();
    password::check_rule(&mut fields, "password", &wanted.password);
    fields.finish().map_err(|problem| ProvisionError::Password(Box::new(problem)))?;
    if let Some(existing) = existing(registration, &email).await? {
        return Ok(existing);
    }
    let new = NewAccount {
        id: registration.chance.account_id(registration.clock.now()),
        email: email.clone(),
        name: wanted.name,
        role: wanted.role,
        password: wanted.password,
        locale: wanted.locale,
        revenue_share: wanted.role == Role::Designer,
        verified: wanted.verified,
    };
    match registration.register(&new, &context(registration)).await {
        Ok(registered) => Ok(Provisioned::Created(registered)),
        // Somebody was faster.
        Err(RegisterError::EmailInUse) => {
            existing(registration, &email).await?.ok_or(RegisterError::EmailInUse.into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn existing(registration: &Registration, email: &Email) -> Result<Option<Provisioned>, RegisterError> {
    let secret = registration.server_secret.bytes();
    let row = accounts::by_email(&registration.pool, secret, &email.comparable()).await?;
    Ok(row.map(|row| Provisioned::Existing { account: AccountId(row.id), role: row.role.0 }))
}

fn context(registration: &Registration) -> Context {
    Context {
        command_id: registration.chance.id(),
        correlation_id: registration.chance.id(),
        causation_position: None,
        actor: "system:provision".to_owned(),
        trace: None,
    }
}
