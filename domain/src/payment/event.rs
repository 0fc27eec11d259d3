use super::{CallbackSource, Captured, Request};
use crate::OrderId;
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PaymentEvent {
    Requested {
        request: Request,
    },
    CheckoutOpened {
        order: OrderId,
        token_digest: String,
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
    },
    CallbackReceived {
        source: CallbackSource,
    },
    CheckDue {
        round: u32,
    },
    Captured {
        order: OrderId,
        captured: Captured,
    },
    Failed {
        order: OrderId,
        code: String,
    },
    HeldForReview {
        order: OrderId,
        reason: String,
        provider_payment_id: Option<String>,
    },
    Expired {
        order: OrderId,
    },
    RefundRequested {
        order: OrderId,
        reason: String,
    },
    Refunded {
        order: OrderId,
        reference: String,
    },
}

impl DomainEvent for PaymentEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Requested { .. } => "requested",
            Self::CheckoutOpened { .. } => "checkout_opened",
            Self::CallbackReceived { .. } => "callback_received",
            Self::CheckDue { .. } => "check_due",
            Self::Captured { .. } => "captured",
            Self::Failed { .. } => "failed",
            Self::HeldForReview { .. } => "held_for_review",
            Self::Expired { .. } => "expired",
            Self::RefundRequested { .. } => "refund_requested",
            Self::Refunded { .. } => "refunded",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}
