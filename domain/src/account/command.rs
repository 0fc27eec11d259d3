use super::Role;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// A pending e-mail verification. The selector finds it; the secret that goes with it is never in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub selector: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountCommand {
    Register {
        role: Role,
        terms_version: String,
        privacy_version: String,
        revenue_share: bool,
        verification: Verification,
    },
    RequestVerification {
        verification: Verification,
    },
    VerifyEmail {
        selector: Uuid,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}
