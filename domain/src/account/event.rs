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
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Registered { .. } => "registered",
            Self::VerificationRequested { .. } => "verification_requested",
            Self::EmailVerified { .. } => "email_verified",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}
