//! What the provider knows: checkouts, their payment, and what was given back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::cards::CardView;
use super::fault::Call;
use crate::store;

/// Everything, as `GET /_control/ledger` answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    /// By token.
    pub checkouts: BTreeMap<String, Checkout>,
    /// Calls that arrived, whatever became of them.
    pub calls: BTreeMap<Call, u64>,
}

/// An opened payment page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkout {
    /// Names the page.
    pub token: String,
    /// The merchant's id of this attempt.
    pub conversation_id: Option<String>,
    /// The merchant's id of the order.
    pub basket_id: Option<String>,
    /// Sum of the lines.
    pub price: Amount,
    /// What the buyer is charged.
    pub paid_price: Amount,
    /// ISO code.
    pub currency: String,
    /// Where the browser is sent afterwards.
    pub callback_url: String,
    /// When the page opened, in milliseconds since 1970.
    pub created_ms: i64,
    /// When the page closes.
    pub expires_ms: i64,
    /// The basket.
    pub lines: Vec<Line>,
    /// Set once a card was entered.
    pub payment: Option<Payment>,
}

/// A basket line and its refunds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The merchant's id.
    pub id: String,
    /// Shown on the page.
    pub name: String,
    /// Its part of `price`.
    pub price: Amount,
    /// Its part of `paid_price`; the most that can be refunded.
    pub paid_price: Amount,
    /// `paymentTransactionId`, what refunds refer to.
    pub transaction_id: String,
    /// What was given back, oldest first.
    pub refunds: Vec<Refund>,
}

/// A refund of a part of a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// Provider's id.
    pub id: String,
    /// How much.
    pub price: Amount,
    /// When.
    pub at_ms: i64,
}

/// Where a payment stands, in the provider's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The buyer is on the bank's page.
    InitThreeds,
    /// The bank answered, the charge did not run yet.
    CallbackThreeds,
    /// Charged.
    Success,
    /// Not charged, for good.
    Failure,
}

impl Status {
    /// As it stands in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitThreeds => "INIT_THREEDS",
            Self::CallbackThreeds => "CALLBACK_THREEDS",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
        }
    }

    /// As it stands in reports.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Failure => 0,
            Self::Success => 1,
            Self::InitThreeds => 2,
            Self::CallbackThreeds => 3,
        }
    }

    /// Whether it will never change again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failure)
    }
}

/// A card that was entered on a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// `paymentId`.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// What may be told about the card.
    pub card: CardView,
    /// The bank's plan for this card, decided when the card was entered.
    pub(crate) fate: Fate,
    /// Result of 3-D Secure.
    pub md_status: Option<i8>,
    /// 1 approved, 0 under review, -1 rejected by review.
    pub fraud_status: i8,
    /// Why it failed.
    pub error_code: Option<String>,
    /// Wrong SMS codes so far.
    pub sms_failures: u8,
    /// How often money was taken. More than one would be this simulator's bug.
    pub charges: u32,
    /// The bank's approval.
    pub auth_code: String,
    /// The bank's reference.
    pub host_reference: String,
    /// When it became final.
    pub decided_ms: Option<i64>,
    /// When it was cancelled.
    pub cancelled_ms: Option<i64>,
}

/// The outcome of the card, in a form that can be written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    Paid,
    PaidForGood,
    Declined(String),
    NotVerified(i8),
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A call arrived.
    Called(Call),
    /// A checkout is now like this.
    Checkout(Box<Checkout>),
}

impl store::Ledger for Ledger {
    type Change = Change;

    fn apply(&mut self, change: Change) {
        match change {
            Change::Called(call) => *self.calls.entry(call).or_default() += 1,
            Change::Checkout(checkout) => {
                self.checkouts.insert(checkout.token.clone(), *checkout);
            }
        }
    }
}

impl Ledger {
    /// The checkout of a payment.
    pub fn by_payment(&self, payment_id: &str) -> Option<&Checkout> {
        self.checkouts
            .values()
            .find(|checkout| checkout.payment.as_ref().is_some_and(|payment| payment.id == payment_id))
    }

    /// The newest checkout of a conversation on which a card was entered.
    pub fn by_conversation(&self, conversation_id: &str) -> Option<&Checkout> {
        self.checkouts
            .values()
            .filter(|checkout| checkout.payment.is_some())
            .filter(|checkout| checkout.conversation_id.as_deref() == Some(conversation_id))
            .max_by_key(|checkout| checkout.created_ms)
    }

    /// How often money was taken for an order, over all its attempts.
    pub fn charges(&self, basket_id: &str) -> u32 {
        self.checkouts
            .values()
            .filter(|checkout| checkout.basket_id.as_deref() == Some(basket_id))
            .filter_map(|checkout| checkout.payment.as_ref())
            .map(|payment| payment.charges)
            .sum()
    }
}

impl Checkout {
    /// Whether the page is closed and nobody paid on it.
    pub fn is_expired(&self, now_ms: i64) -> bool {
        now_ms >= self.expires_ms && !self.payment.as_ref().is_some_and(|payment| payment.status.is_final())
    }
}

impl Line {
    /// What was given back so far.
    pub fn refunded(&self) -> Amount {
        Amount(self.refunds.iter().map(|refund| refund.price.0).sum())
    }
}
