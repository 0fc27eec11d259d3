//! A registered person: role, consents, which address and phone are proven, which password counts.
//!
//! Credentials, names, addresses and numbers are not here: they are personal data and live in plain tables.

mod command;
mod decide;
mod event;
#[cfg(test)]
mod tests;

pub use command::{AccountCommand, Verification};
pub use event::AccountEvent;

use crate::Decide;
use serde::{Deserialize, Serialize};
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
    Registered(Registered),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub role: Role,
    pub email: Proof,
    pub phone: Option<Proof>,
    /// The password that counts; nil while it is the one of the registration.
    pub credential: Uuid,
    /// Mailed and not used, the newest last; at most [`RESETS_KEPT`].
    pub resets: Vec<Verification>,
    /// The session that was reported last.
    pub stolen: Option<Uuid>,
}

/// Whether somebody has shown that an address or a number is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "snake_case")]
pub enum Proof {
    Pending(Verification),
    Proven { selector: Uuid },
}

/// Mails whose links are good at a time, so that whoever asks for more of them ends none that is still read.
pub const RESETS_KEPT: usize = 6;

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
    #[error("this link or code is not valid; ask for a new one")]
    InvalidReset,
    #[error("this link or code has expired; ask for a new one")]
    ExpiredReset,
    #[error("the password was changed meanwhile")]
    PasswordChangedMeanwhile,
    #[error("this code is not valid; ask for a new one")]
    InvalidPhoneCode,
    #[error("this code has expired; ask for a new one")]
    ExpiredPhoneCode,
}

impl AccountRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "account_not_found",
            Self::AlreadyRegistered => "account_already_registered",
            Self::RevenueShareRequired => "revenue_share_required",
            Self::InvalidVerification => "verification_invalid",
            Self::ExpiredVerification => "verification_expired",
            Self::InvalidReset => "reset_invalid",
            Self::ExpiredReset => "reset_expired",
            Self::PasswordChangedMeanwhile => "password_changed_meanwhile",
            Self::InvalidPhoneCode => "phone_code_invalid",
            Self::ExpiredPhoneCode => "phone_code_expired",
        }
    }
}

aggregate!(Account, "account", AccountCommand, AccountEvent, AccountRefusal);

impl Account {
    /// Who it is, once registered.
    pub fn registered(&self) -> Option<&Registered> {
        match self {
            Self::Unknown => None,
            Self::Registered(person) => Some(person),
        }
    }
}

impl Registered {
    fn new(role: Role, verification: Verification) -> Self {
        Self {
            role,
            email: Proof::Pending(verification),
            phone: None,
            credential: Uuid::nil(),
            resets: vec![],
            stolen: None,
        }
    }

    /// The reset that was asked for last; the only one whose code is good.
    pub fn newest_reset(&self) -> Option<&Verification> {
        self.resets.last()
    }

    fn evolve(&mut self, event: AccountEvent) {
        match event {
            AccountEvent::Registered { .. } => {}
            AccountEvent::VerificationRequested { verification } => {
                self.email = Proof::Pending(verification);
            }
            AccountEvent::EmailVerified { selector } => self.email = Proof::Proven { selector },
            AccountEvent::PhoneVerificationRequested { verification } => {
                self.phone = Some(Proof::Pending(verification));
            }
            AccountEvent::PhoneVerified { selector } => self.phone = Some(Proof::Proven { selector }),
            AccountEvent::PasswordResetRequested { reset } => {
                if self.resets.len() == RESETS_KEPT {
                    self.resets.remove(0);
                }
                self.resets.push(reset);
            }
            AccountEvent::PasswordReset { selector: credential, .. }
            | AccountEvent::PasswordChanged { credential, .. } => {
                self.credential = credential;
                self.resets.clear();
            }
            AccountEvent::RoleGranted { role, .. } => self.role = role,
            AccountEvent::SessionStolen { session } => self.stolen = Some(session),
        }
    }
}

impl Decide for Account {
    fn evolve(&mut self, event: AccountEvent) {
        match (&mut *self, event) {
            (Self::Unknown, AccountEvent::Registered { role, verification, .. }) => {
                *self = Self::Registered(Registered::new(role, verification));
            }
            (Self::Unknown, _) => {}
            (Self::Registered(person), event) => person.evolve(event),
        }
    }

    fn decide(&self, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountRefusal> {
        match self {
            Self::Unknown => decide::unknown(command),
            Self::Registered(person) => person.decide(command),
        }
    }
}
