use super::{Invoice, Placement};
use crate::{Money, PaymentId};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderEvent {
    Placed {
        placement: Placement,
    },
    PaymentBegun {
        payment: PaymentId,
    },
    PaymentEnded {
        payment: PaymentId,
    },
    Paid {
        payment: PaymentId,
        amount: Money,
    },
    /// Money that came for an order that was canceled, expired, or paid already.
    SurplusReceived {
        payment: PaymentId,
        amount: Money,
    },
    InvoiceIssued {
        invoice: Invoice,
    },
    Canceled {
        reason: Option<String>,
    },
    Expired,
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Placed { .. } => "placed",
            Self::PaymentBegun { .. } => "payment_begun",
            Self::PaymentEnded { .. } => "payment_ended",
            Self::Paid { .. } => "paid",
            Self::SurplusReceived { .. } => "surplus_received",
            Self::InvoiceIssued { .. } => "invoice_issued",
            Self::Canceled { .. } => "canceled",
            Self::Expired => "expired",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}
