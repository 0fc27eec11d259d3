//! What a flow may ask for. Flows only name these; the executor alone does them.

use domain::{AccountId, AiJobId, Command, OrderId, PaymentId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// One consequence of an event. Its place in the flow's answer is part of its identity: append, never reorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// A command, now.
    Do { command: Command },
    /// A command, later: becomes a durable timer.
    After { delay: Duration, command: Command },
    /// Something in the world outside.
    Call { call: Call },
}

/// The calls that leave the process, and the command that records each outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Payment provider: open a page → `RecordCheckout` or `Fail`.
    OpenCheckout { payment: PaymentId },
    /// Payment provider: what became of it? → `Capture`, `Fail`, `HoldForReview`, `Expire`, or nothing yet.
    VerifyPayment { payment: PaymentId },
    /// Payment provider: give it all back → `RecordRefund`.
    CancelPayment { payment: PaymentId },
    /// The next number of the series → `IssueInvoice`.
    IssueInvoice { order: OrderId },
    /// The invoice as PDF, into the private store.
    FileInvoice { order: OrderId },
    /// Image provider: one picture → `RecordPicture` or `FailPicture`.
    GeneratePicture { job: AiJobId, index: u8 },
    /// Mail with the link that proves an address.
    MailVerification { account: AccountId, selector: Uuid },
    /// Mail with the link and the code that give the right to a new password.
    MailPasswordReset { account: AccountId, selector: Uuid },
    /// Mail that says that the password is another one.
    MailPasswordChanged { account: AccountId },
    /// Mail that says that a session was ended because its token was used twice.
    MailSessionStolen { account: AccountId },
    /// The password that counts, to where logins look for it.
    PutPasswordInForce { account: AccountId, credential: Uuid, replaces: Uuid },
    /// The account's role, to where tokens are made.
    PutRoleInForce { account: AccountId },
    /// Text message with the code that proves a phone number.
    TextPhoneCode { account: AccountId, selector: Uuid },
    /// The number that was proven, to the profile.
    PutPhoneInForce { account: AccountId, selector: Uuid },
    /// Mail with the paid order and its invoice.
    MailOrderConfirmation { order: OrderId },
}

impl Action {
    pub fn call(call: Call) -> Self {
        Self::Call { call }
    }
}
