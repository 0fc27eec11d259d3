use super::{Captured, Request};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentCommand {
    Request(Request),
    /// The provider opened its page. `token_digest` (SHA-256, hex) must be claimed in the same commit: callbacks
    /// find us by it.
    RecordCheckout {
        token_digest: String,
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
    },
    /// Somebody says that the buyer is done. Nothing of it is believed; the provider is asked.
    ReceiveCallback {
        source: super::CallbackSource,
    },
    /// A timer says that it is time to ask the provider again. `round` counts from 1.
    CheckDue {
        round: u32,
    },
    Capture(Captured),
    /// `code` is the provider's.
    Fail {
        code: String,
    },
    /// Neither success nor failure: a person or a later answer decides.
    HoldForReview {
        reason: String,
        provider_payment_id: Option<String>,
    },
    /// The provider says that nobody paid and nobody can any more.
    Expire,
    RequestRefund {
        reason: String,
    },
    RecordRefund {
        reference: String,
    },
}
