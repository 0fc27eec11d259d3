use super::Role;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// What somebody has yet to prove: an address, a number, the right to a new password. The selector finds it; the
/// secret that goes with it is never in an event.
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
    /// A code for the number that the selector leads to.
    RequestPhoneVerification {
        verification: Verification,
    },
    VerifyPhone {
        selector: Uuid,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    RequestPasswordReset {
        reset: Verification,
    },
    /// By one who has shown the secret that was mailed for this selector; the new password is kept under it.
    ResetPassword {
        selector: Uuid,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// By one who knows the password `replaces`.
    ChangePassword {
        credential: Uuid,
        replaces: Uuid,
    },
    GrantRole {
        role: Role,
        reason: String,
    },
    /// A refresh token was presented that had been replaced before: somebody has a copy.
    ReportStolenSession {
        session: Uuid,
    },
}
