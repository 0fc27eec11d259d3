use super::Placement;
use crate::{AccountId, Money, PaymentId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderCommand {
    Place(Placement),
    /// Opens an attempt to pay; one at a time.
    BeginPayment {
        by: AccountId,
        payment: PaymentId,
        amount: Money,
    },
    /// The attempt ended without money.
    EndPayment {
        payment: PaymentId,
    },
    /// The provider has the money. If the order cannot take it, it becomes a surplus that must go back.
    MarkPaid {
        payment: PaymentId,
        amount: Money,
    },
    Cancel {
        by: AccountId,
        reason: Option<String>,
    },
    /// Nobody paid in time.
    Expire,
    /// `number` must be claimed in the same commit; `issued_on` is Istanbul's date, `YYYY-MM-DD`.
    IssueInvoice {
        number: String,
        issued_on: String,
    },
}
