//! One attempt to pay an order. An order can have many attempts and one capture.

mod command;
mod event;
#[cfg(test)]
mod tests;

pub use command::PaymentCommand;
pub use event::PaymentEvent;

use crate::order::Line;
use crate::{AccountId, Decide, Money, OrderId, PersonalRef};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Callbacks that are recorded one by one; later repeats change nothing and are only logged.
pub const CALLBACKS_RECORDED_MAX: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Iyzico,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackSource {
    /// The buyer's browser came back.
    Browser,
    /// The provider's server called.
    Webhook,
}

/// What is to be paid, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub order: OrderId,
    pub order_number: String,
    pub customer: AccountId,
    pub provider: Provider,
    pub amount: Money,
    pub lines: Vec<Line>,
    pub shipping: PersonalRef,
    pub billing: PersonalRef,
    /// The buyer's address at the time of the request is personal data as well.
    pub buyer: PersonalRef,
}

/// A paid basket line: its provider id is what a refund of this line needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapturedLine {
    pub line: String,
    pub transaction_id: String,
    pub paid: Money,
}

/// The provider's word that the money is there, checked against what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    pub provider_payment_id: String,
    pub amount: Money,
    pub lines: Vec<CapturedLine>,
    /// Card network and last four digits, for the receipt.
    pub card: Option<String>,
}

/// The provider's page, where the buyer pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// SHA-256 of the provider's token, hex; the token itself opens the page and is in no event.
    pub token_digest: String,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// What was heard of a payment that is not captured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watch {
    pub callbacks: u32,
    /// The last round of asking the provider that was due.
    pub round: u32,
    /// Set while a person or a later answer must decide.
    pub review: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Payment {
    #[default]
    Unknown,
    Open {
        request: Request,
        /// Absent until the provider has answered.
        checkout: Option<Checkout>,
        watch: Watch,
    },
    Captured {
        request: Request,
        captured: Captured,
    },
    /// The provider said no, or nobody came. Money can still arrive: we keep asking for a while.
    Closed {
        request: Request,
        checkout: Option<Checkout>,
        watch: Watch,
    },
    RefundRequested {
        request: Request,
        captured: Captured,
    },
    Refunded {
        request: Request,
        captured: Captured,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaymentRefusal {
    #[error("there is no such payment")]
    NotFound,
    #[error("a payment with this id exists already, with other contents")]
    AlreadyExists,
    #[error("the captured amount is not the requested one")]
    WrongAmount,
    #[error("this payment is captured already, under another id of the provider")]
    AlreadyCaptured,
    #[error("only a captured payment can be given back")]
    NotCaptured,
    #[error("this payment is over")]
    Closed,
}

impl PaymentRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "payment_not_found",
            Self::AlreadyExists => "payment_already_exists",
            Self::WrongAmount => "payment_wrong_amount",
            Self::AlreadyCaptured => "payment_already_captured",
            Self::NotCaptured => "payment_not_captured",
            Self::Closed => "payment_closed",
        }
    }
}

aggregate!(Payment, "payment", PaymentCommand, PaymentEvent, PaymentRefusal);

impl Decide for Payment {
    fn evolve(&mut self, event: PaymentEvent) {
        match event {
            PaymentEvent::Requested { request } => {
                *self = Self::Open { request, checkout: None, watch: Watch::default() };
            }
            PaymentEvent::CheckoutOpened { token_digest, expires_at, .. } => {
                if let Self::Open { checkout, .. } = self {
                    *checkout = Some(Checkout { token_digest, expires_at });
                }
            }
            PaymentEvent::CallbackReceived { .. } => {
                if let Self::Open { watch, .. } | Self::Closed { watch, .. } = self {
                    watch.callbacks += 1;
                }
            }
            PaymentEvent::CheckDue { round: due } => {
                if let Self::Open { watch, .. } | Self::Closed { watch, .. } = self {
                    watch.round = due;
                }
            }
            PaymentEvent::HeldForReview { reason, .. } => {
                if let Self::Open { watch, .. } | Self::Closed { watch, .. } = self {
                    watch.review = Some(reason);
                }
            }
            PaymentEvent::Captured { .. }
            | PaymentEvent::Failed { .. }
            | PaymentEvent::Expired { .. }
            | PaymentEvent::RefundRequested { .. }
            | PaymentEvent::Refunded { .. } => *self = std::mem::take(self).moved_on(event),
        }
    }

    fn decide(&self, command: PaymentCommand) -> Result<Vec<PaymentEvent>, PaymentRefusal> {
        use PaymentCommand as C;
        match (self, command) {
            (Self::Unknown, C::Request(request)) => Ok(vec![PaymentEvent::Requested { request }]),
            (Self::Unknown, _) => Err(PaymentRefusal::NotFound),
            (
                Self::Open { request, .. }
                | Self::Captured { request, .. }
                | Self::Closed { request, .. }
                | Self::RefundRequested { request, .. }
                | Self::Refunded { request, .. },
                C::Request(again),
            ) => {
                if *request == again {
                    Ok(vec![])
                } else {
                    Err(PaymentRefusal::AlreadyExists)
                }
            }
            (Self::Open { request, checkout, watch }, command) => {
                open(request, checkout.as_ref(), watch, command)
            }
            (Self::Closed { request, watch, .. }, command) => closed(request, watch, command),
            (
                Self::Captured { captured, .. }
                | Self::RefundRequested { captured, .. }
                | Self::Refunded { captured, .. },
                C::Capture(again),
            ) => {
                let same = captured.provider_payment_id == again.provider_payment_id;
                if same { Ok(vec![]) } else { Err(PaymentRefusal::AlreadyCaptured) }
            }
            (Self::Captured { request, .. }, C::RequestRefund { reason }) => {
                Ok(vec![PaymentEvent::RefundRequested { order: request.order, reason }])
            }
            (Self::RefundRequested { request, .. }, C::RecordRefund { reference }) => {
                Ok(vec![PaymentEvent::Refunded { order: request.order, reference }])
            }
            (Self::Captured { .. }, C::RecordRefund { .. }) => Err(PaymentRefusal::NotCaptured),
            // Late callbacks, timers and answers find the matter settled.
            (Self::Captured { .. } | Self::RefundRequested { .. } | Self::Refunded { .. }, _) => Ok(vec![]),
        }
    }
}

impl Payment {
    fn moved_on(self, event: PaymentEvent) -> Self {
        match (self, event) {
            // A late answer of the provider beats our own closing.
            (
                Self::Open { request, .. } | Self::Closed { request, .. },
                PaymentEvent::Captured { captured, .. },
            ) => Self::Captured { request, captured },
            (
                Self::Open { request, checkout, watch },
                PaymentEvent::Failed { .. } | PaymentEvent::Expired { .. },
            ) => Self::Closed { request, checkout, watch },
            (Self::Captured { request, captured }, PaymentEvent::RefundRequested { .. }) => {
                Self::RefundRequested { request, captured }
            }
            (Self::RefundRequested { request, captured }, PaymentEvent::Refunded { .. }) => {
                Self::Refunded { request, captured }
            }
            (unchanged, _) => unchanged,
        }
    }

    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Unknown => None,
            Self::Open { request, .. }
            | Self::Captured { request, .. }
            | Self::Closed { request, .. }
            | Self::RefundRequested { request, .. }
            | Self::Refunded { request, .. } => Some(request),
        }
    }
}

fn open(
    request: &Request,
    checkout: Option<&Checkout>,
    watch: &Watch,
    command: PaymentCommand,
) -> Result<Vec<PaymentEvent>, PaymentRefusal> {
    use PaymentCommand as C;
    let order = request.order;
    match command {
        C::Request(_) => Err(PaymentRefusal::AlreadyExists),
        // The buyer was shown the first page; a second one of a repeated call is never used.
        C::RecordCheckout { .. } if checkout.is_some() => Ok(vec![]),
        C::RecordCheckout { token_digest, expires_at } => {
            Ok(vec![PaymentEvent::CheckoutOpened { order, token_digest, expires_at }])
        }
        C::ReceiveCallback { .. } | C::CheckDue { .. } | C::HoldForReview { .. } => {
            Ok(watch.heard(request, command))
        }
        C::Capture(captured) => capture(request, captured),
        C::Fail { code } => Ok(vec![PaymentEvent::Failed { order, code }]),
        C::Expire => Ok(vec![PaymentEvent::Expired { order }]),
        C::RequestRefund { .. } | C::RecordRefund { .. } => Err(PaymentRefusal::NotCaptured),
    }
}

fn closed(
    request: &Request,
    watch: &Watch,
    command: PaymentCommand,
) -> Result<Vec<PaymentEvent>, PaymentRefusal> {
    use PaymentCommand as C;
    match command {
        C::Request(_) => Err(PaymentRefusal::AlreadyExists),
        C::Capture(captured) => capture(request, captured),
        C::RequestRefund { .. } | C::RecordRefund { .. } => Err(PaymentRefusal::NotCaptured),
        C::RecordCheckout { .. } => Err(PaymentRefusal::Closed),
        // Money that came after all must be found, whoever or whatever makes us ask.
        C::ReceiveCallback { .. } | C::CheckDue { .. } | C::HoldForReview { .. } => {
            Ok(watch.heard(request, command))
        }
        C::Fail { .. } | C::Expire => Ok(vec![]),
    }
}

impl Watch {
    /// Callbacks, timers and doubtful answers: recorded once each, and not without end.
    fn heard(&self, request: &Request, command: PaymentCommand) -> Vec<PaymentEvent> {
        match command {
            PaymentCommand::ReceiveCallback { source } if self.callbacks < CALLBACKS_RECORDED_MAX => {
                vec![PaymentEvent::CallbackReceived { source }]
            }
            PaymentCommand::CheckDue { round } if round > self.round => {
                vec![PaymentEvent::CheckDue { round }]
            }
            PaymentCommand::HoldForReview { reason, provider_payment_id }
                if self.review.as_ref() != Some(&reason) =>
            {
                vec![PaymentEvent::HeldForReview { order: request.order, reason, provider_payment_id }]
            }
            _ => vec![],
        }
    }
}

fn capture(request: &Request, captured: Captured) -> Result<Vec<PaymentEvent>, PaymentRefusal> {
    if captured.amount != request.amount {
        return Err(PaymentRefusal::WrongAmount);
    }
    Ok(vec![PaymentEvent::Captured { order: request.order, captured }])
}
