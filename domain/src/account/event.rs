use super::{Role, Verification};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AccountEvent {
    Registered {
        role: Role,
        terms_version: String,
        privacy_version: String,
        revenue_share: bool,
        verification: Verification,
    },
    VerificationRequested {
        verification: Verification,
    },
    EmailVerified {
        selector: Uuid,
    },
    PhoneVerificationRequested {
        verification: Verification,
    },
    PhoneVerified {
        selector: Uuid,
    },
    PasswordResetRequested {
        reset: Verification,
    },
    /// The password that was kept under the selector counts from now on.
    PasswordReset {
        selector: Uuid,
        replaces: Uuid,
    },
    PasswordChanged {
        credential: Uuid,
        replaces: Uuid,
    },
    /// By an operator, who is the actor of the event's metadata.
    RoleGranted {
        role: Role,
        reason: String,
    },
    SessionStolen {
        session: Uuid,
    },
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Registered { .. } => "registered",
            Self::VerificationRequested { .. } => "verification_requested",
            Self::EmailVerified { .. } => "email_verified",
            Self::PhoneVerificationRequested { .. } => "phone_verification_requested",
            Self::PhoneVerified { .. } => "phone_verified",
            Self::PasswordResetRequested { .. } => "password_reset_requested",
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged { .. } => "password_changed",
            Self::RoleGranted { .. } => "role_granted",
            Self::SessionStolen { .. } => "session_stolen",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}
