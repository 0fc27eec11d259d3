//! What was bought. Lines, addresses and picture are frozen when the order is placed.

mod command;
mod event;
mod invoice;
#[cfg(test)]
mod tests;

pub use command::OrderCommand;
pub use event::OrderEvent;
pub use invoice::{Invoice, InvoiceLine, SERIES as INVOICE_SERIES, number as invoice_number};

use crate::draft::{CoverSize, Method, Picture};
use crate::money::MoneyError;
use crate::{AccountId, Decide, DraftId, Money, PaymentId, PersonalRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    Cover,
    MessageCard,
    Shipping,
    DesignFee,
}

/// `unit_price` includes KDV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub kind: LineKind,
    /// The card's id, for a message card.
    pub reference: Option<String>,
    pub description: String,
    pub quantity: u32,
    pub unit_price: Money,
    pub vat_percent: u32,
}

impl Line {
    pub fn gross(&self) -> Result<Money, MoneyError> {
        self.unit_price.times(self.quantity)
    }
}

/// What the customer agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// `CP-YYYYMMDD-` and eight characters of Crockford base32; claimed in the same commit.
    pub number: String,
    pub customer: AccountId,
    pub draft: DraftId,
    pub method: Method,
    pub size: CoverSize,
    pub picture: Picture,
    pub lines: Vec<Line>,
    pub total: Money,
    pub shipping: PersonalRef,
    pub billing: PersonalRef,
    pub message: Option<PersonalRef>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Order {
    #[default]
    Unknown,
    AwaitingPayment {
        placement: Placement,
        open_attempt: Option<PaymentId>,
        /// Attempts that are over.
        ended: BTreeSet<PaymentId>,
    },
    Paid {
        placement: Placement,
        payment: PaymentId,
        invoice: Option<Invoice>,
        /// Money that came on top; each must go back.
        surplus: BTreeSet<PaymentId>,
    },
    /// Canceled by the customer, or expired.
    Closed { placement: Placement, surplus: BTreeSet<PaymentId> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    #[error("there is no such order")]
    NotFound,
    #[error("an order with this id exists already, with other contents")]
    AlreadyExists,
    #[error("an order needs lines that add up to its total")]
    TotalMismatch,
    #[error("this order is paid")]
    AlreadyPaid,
    #[error("this order was canceled")]
    Canceled,
    #[error("a payment of this order is open already")]
    PaymentInProgress { payment: PaymentId },
    #[error("the amount is not the total of the order")]
    WrongAmount,
    #[error("this order is paid and in our hands; ask for a return instead")]
    CancelNotPossible,
    #[error("only a paid order has an invoice")]
    NotPaid,
}

impl OrderRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "order_not_found",
            Self::AlreadyExists => "order_already_exists",
            Self::TotalMismatch => "order_total_mismatch",
            Self::AlreadyPaid => "order_already_paid",
            Self::Canceled => "order_canceled",
            Self::PaymentInProgress { .. } => "payment_in_progress",
            Self::WrongAmount => "payment_wrong_amount",
            Self::CancelNotPossible => "order_cancel_not_possible",
            Self::NotPaid => "order_not_paid",
        }
    }
}

aggregate!(Order, "order", OrderCommand, OrderEvent, OrderRefusal);

impl Decide for Order {
    fn evolve(&mut self, event: OrderEvent) {
        match event {
            OrderEvent::Placed { placement } => {
                *self = Self::AwaitingPayment { placement, open_attempt: None, ended: BTreeSet::new() };
            }
            OrderEvent::PaymentBegun { payment } => {
                if let Self::AwaitingPayment { open_attempt, .. } = self {
                    *open_attempt = Some(payment);
                }
            }
            OrderEvent::PaymentEnded { payment } => {
                if let Self::AwaitingPayment { open_attempt, ended, .. } = self {
                    *open_attempt = None;
                    ended.insert(payment);
                }
            }
            OrderEvent::Paid { payment, .. } => {
                if let Self::AwaitingPayment { placement, .. } = self {
                    let placement = placement.clone();
                    *self = Self::Paid { placement, payment, invoice: None, surplus: BTreeSet::new() };
                }
            }
            OrderEvent::SurplusReceived { payment, .. } => {
                if let Self::Paid { surplus, .. } | Self::Closed { surplus, .. } = self {
                    surplus.insert(payment);
                }
            }
            OrderEvent::InvoiceIssued { invoice: issued } => {
                if let Self::Paid { invoice, .. } = self {
                    *invoice = Some(issued);
                }
            }
            OrderEvent::Canceled { .. } | OrderEvent::Expired => {
                if let Self::AwaitingPayment { placement, .. } = self {
                    *self = Self::Closed { placement: placement.clone(), surplus: BTreeSet::new() };
                }
            }
        }
    }

    fn decide(&self, command: OrderCommand) -> Result<Vec<OrderEvent>, OrderRefusal> {
        use OrderCommand as C;
        match (self, command) {
            (Self::Unknown, C::Place(placement)) => place(placement),
            (Self::Unknown, _) => Err(OrderRefusal::NotFound),
            (
                Self::AwaitingPayment { placement, .. }
                | Self::Paid { placement, .. }
                | Self::Closed { placement, .. },
                C::Place(again),
            ) => {
                if *placement == again {
                    Ok(vec![])
                } else {
                    Err(OrderRefusal::AlreadyExists)
                }
            }
            (Self::AwaitingPayment { placement, open_attempt, ended }, command) => {
                awaiting(placement, *open_attempt, ended, command)
            }
            (Self::Paid { placement, payment, invoice, surplus }, command) => match command {
                C::BeginPayment { by, .. } => Err(owner(placement, by, OrderRefusal::AlreadyPaid)),
                C::Cancel { by, .. } => Err(owner(placement, by, OrderRefusal::CancelNotPossible)),
                C::MarkPaid { payment: again, .. } if again == *payment => Ok(vec![]),
                C::MarkPaid { payment, amount } => Ok(take_surplus(surplus, payment, amount)),
                C::IssueInvoice { number, issued_on } => {
                    issue(placement, *payment, invoice.as_ref(), number, issued_on)
                }
                C::Place(_) | C::EndPayment { .. } | C::Expire => Ok(vec![]),
            },
            (Self::Closed { placement, surplus }, command) => match command {
                C::BeginPayment { by, .. } => Err(owner(placement, by, OrderRefusal::Canceled)),
                C::MarkPaid { payment, amount } => Ok(take_surplus(surplus, payment, amount)),
                C::IssueInvoice { .. } => Err(OrderRefusal::NotPaid),
                C::Cancel { by, .. } if by != placement.customer => Err(OrderRefusal::NotFound),
                C::Place(_) | C::EndPayment { .. } | C::Expire | C::Cancel { .. } => Ok(vec![]),
            },
        }
    }
}

impl Order {
    /// What was agreed, once there is an order.
    pub fn placement(&self) -> Option<&Placement> {
        match self {
            Self::Unknown => None,
            Self::AwaitingPayment { placement, .. }
            | Self::Paid { placement, .. }
            | Self::Closed { placement, .. } => Some(placement),
        }
    }
}

fn place(placement: Placement) -> Result<Vec<OrderEvent>, OrderRefusal> {
    let gross = placement.lines.iter().map(Line::gross).collect::<Result<Vec<_>, _>>();
    let sum = gross.and_then(Money::sum).map_err(|_| OrderRefusal::TotalMismatch)?;
    if placement.lines.is_empty() || sum != placement.total {
        return Err(OrderRefusal::TotalMismatch);
    }
    Ok(vec![OrderEvent::Placed { placement }])
}

fn awaiting(
    placement: &Placement,
    open_attempt: Option<PaymentId>,
    ended: &BTreeSet<PaymentId>,
    command: OrderCommand,
) -> Result<Vec<OrderEvent>, OrderRefusal> {
    use OrderCommand as C;
    match command {
        C::Place(_) => Err(OrderRefusal::AlreadyExists),
        C::BeginPayment { by, .. } if by != placement.customer => Err(OrderRefusal::NotFound),
        C::BeginPayment { amount, .. } if amount != placement.total => Err(OrderRefusal::WrongAmount),
        // A late repeat must not open an attempt that nothing would end again.
        C::BeginPayment { payment, .. } if ended.contains(&payment) => Ok(vec![]),
        C::BeginPayment { payment, .. } => match open_attempt {
            Some(open) if open == payment => Ok(vec![]),
            Some(open) => Err(OrderRefusal::PaymentInProgress { payment: open }),
            None => Ok(vec![OrderEvent::PaymentBegun { payment }]),
        },
        C::EndPayment { payment } if open_attempt == Some(payment) => {
            Ok(vec![OrderEvent::PaymentEnded { payment }])
        }
        C::EndPayment { .. } => Ok(vec![]),
        C::MarkPaid { amount, .. } if amount != placement.total => Err(OrderRefusal::WrongAmount),
        C::MarkPaid { payment, amount } => Ok(vec![OrderEvent::Paid { payment, amount }]),
        C::Cancel { by, .. } if by != placement.customer => Err(OrderRefusal::NotFound),
        C::Cancel { reason, .. } => Ok(vec![OrderEvent::Canceled { reason }]),
        C::Expire => Ok(vec![OrderEvent::Expired]),
        C::IssueInvoice { .. } => Err(OrderRefusal::NotPaid),
    }
}

/// A stranger learns nothing about an order, not even that it exists.
fn owner(placement: &Placement, by: AccountId, refusal: OrderRefusal) -> OrderRefusal {
    if placement.customer == by { refusal } else { OrderRefusal::NotFound }
}

fn take_surplus(known: &BTreeSet<PaymentId>, payment: PaymentId, amount: Money) -> Vec<OrderEvent> {
    if known.contains(&payment) { vec![] } else { vec![OrderEvent::SurplusReceived { payment, amount }] }
}

fn issue(
    placement: &Placement,
    payment: PaymentId,
    issued: Option<&Invoice>,
    number: String,
    issued_on: String,
) -> Result<Vec<OrderEvent>, OrderRefusal> {
    if issued.is_some() {
        return Ok(vec![]);
    }
    let invoice =
        Invoice::of(placement, payment, number, issued_on).map_err(|_| OrderRefusal::TotalMismatch)?;
    Ok(vec![OrderEvent::InvoiceIssued { invoice }])
}
