//! A registered person: role, consents, and whether the e-mail address is proven.
//!
//! Credentials, names and addresses are not here: they are personal data and live in plain tables.

mod command;
mod event;
#[cfg(test)]
mod tests;

pub use command::{AccountCommand, Verification};
pub use event::AccountEvent;

use crate::Decide;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Customer,
    Designer,
    Admin,
    Auditor,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Account {
    #[default]
    Unknown,
    Unverified {
        role: Role,
        verification: Verification,
    },
    Verified {
        role: Role,
        selector: Uuid,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    #[error("there is no such account")]
    Unknown,
    #[error("this account is already registered")]
    AlreadyRegistered,
    #[error("designers must accept the revenue share")]
    RevenueShareRequired,
    #[error("this verification link is not valid; ask for a new one")]
    InvalidVerification,
    #[error("this verification link has expired; ask for a new one")]
    ExpiredVerification,
}

impl AccountRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "account_not_found",
            Self::AlreadyRegistered => "account_already_registered",
            Self::RevenueShareRequired => "revenue_share_required",
            Self::InvalidVerification => "verification_invalid",
            Self::ExpiredVerification => "verification_expired",
        }
    }
}

aggregate!(Account, "account", AccountCommand, AccountEvent, AccountRefusal);

impl Decide for Account {
    fn evolve(&mut self, event: AccountEvent) {
        match (&*self, event) {
            (_, AccountEvent::Registered { role, verification, .. }) => {
                *self = Self::Unverified { role, verification };
            }
            (Self::Unverified { role, .. }, AccountEvent::VerificationRequested { verification }) => {
                *self = Self::Unverified { role: *role, verification };
            }
            (Self::Unverified { role, .. }, AccountEvent::EmailVerified { selector }) => {
                *self = Self::Verified { role: *role, selector };
            }
            (
                Self::Unknown | Self::Verified { .. },
                AccountEvent::VerificationRequested { .. } | AccountEvent::EmailVerified { .. },
            ) => {}
        }
    }

    fn decide(&self, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountRefusal> {
        use AccountCommand as C;
        match (self, command) {
            (
                Self::Unknown,
                C::Register { role, terms_version, privacy_version, revenue_share, verification },
            ) => {
                if role == Role::Designer && !revenue_share {
                    return Err(AccountRefusal::RevenueShareRequired);
                }
                let registered = AccountEvent::Registered {
                    role,
                    terms_version,
                    privacy_version,
                    revenue_share,
                    verification,
                };
                Ok(vec![registered])
            }
            (Self::Unverified { verification: first, .. }, C::Register { verification, .. })
                if *first == verification =>
            {
                Ok(vec![])
            }
            (Self::Unverified { .. } | Self::Verified { .. }, C::Register { .. }) => {
                Err(AccountRefusal::AlreadyRegistered)
            }
            (Self::Unknown, C::RequestVerification { .. } | C::VerifyEmail { .. }) => {
                Err(AccountRefusal::Unknown)
            }
            (Self::Unverified { verification: current, .. }, C::RequestVerification { verification }) => {
                if *current == verification {
                    return Ok(vec![]);
                }
                Ok(vec![AccountEvent::VerificationRequested { verification }])
            }
            // Nothing to prove any more: the caller sees the same success as everybody else.
            (Self::Verified { .. }, C::RequestVerification { .. }) => Ok(vec![]),
            (Self::Unverified { verification, .. }, C::VerifyEmail { selector, at }) => {
                verify(verification, selector, at)
            }
            (Self::Verified { selector: used, .. }, C::VerifyEmail { selector, .. }) => {
                if *used == selector {
                    Ok(vec![])
                } else {
                    Err(AccountRefusal::InvalidVerification)
                }
            }
        }
    }
}

fn verify(
    pending: &Verification,
    selector: Uuid,
    at: OffsetDateTime,
) -> Result<Vec<AccountEvent>, AccountRefusal> {
    if pending.selector != selector {
        return Err(AccountRefusal::InvalidVerification);
    }
    if at >= pending.expires_at {
        return Err(AccountRefusal::ExpiredVerification);
    }
    Ok(vec![AccountEvent::EmailVerified { selector }])
}
