//! What the shop asks of any payment provider, and what it can hear back.

use std::net::IpAddr;
use std::time::Duration;

use domain::Money;
use url::Url;
use uuid::Uuid;

pub mod iyzico;

/// Opens a page on which the customer pays one order at once, without instalments.
#[derive(Debug, Clone)]
pub struct CheckoutRequest {
    /// One payment is one attempt; the provider knows it by this id.
    pub payment_id: Uuid,
    pub order_id: Uuid,
    /// The sum of the lines.
    pub amount: Money,
    pub lines: Vec<BasketLine>,
    pub buyer: Buyer,
    /// Needed as soon as one line is physical.
    pub shipping_address: Option<Address>,
    pub billing_address: Address,
    pub callback_url: Url,
    pub locale: Locale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locale {
    Tr,
    En,
}

#[derive(Debug, Clone)]
pub struct BasketLine {
    pub id: String,
    pub name: String,
    pub amount: Money,
    pub kind: LineKind,
    pub category: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Physical,
    Virtual,
}

#[derive(Clone)]
pub struct Buyer {
    pub id: String,
    pub name: String,
    pub surname: String,
    pub email: String,
    /// Turkish identity number, or the placeholder agreed with the provider.
    pub identity_number: String,
    /// `+905350000000`
    pub gsm_number: Option<String>,
    pub ip: IpAddr,
    pub registration_address: String,
    pub city: String,
    pub country: String,
    pub zip: Option<String>,
}

#[derive(Clone)]
pub struct Address {
    pub contact_name: String,
    pub line: String,
    pub city: String,
    pub country: String,
    pub zip: Option<String>,
}

// Personal data stays out of `{:?}`.
impl std::fmt::Debug for Buyer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buyer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutOpened {
    pub token: String,
    pub page_url: Url,
    pub expires_in: Duration,
}

/// What we know of a payment before we ask about it.
#[derive(Debug, Clone)]
pub struct Expected {
    pub payment_id: Uuid,
    pub order_id: Uuid,
    pub amount: Money,
    pub token: String,
}

/// The provider's word on a payment, after it was compared with what we expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    Paid {
        provider_payment_id: String,
        paid: Money,
        price: Money,
        lines: Vec<LineTransaction>,
        card: Option<CardSummary>,
        installment: u32,
    },
    /// The money is taken but must not be relied on yet: ask again later.
    InReview {
        provider_payment_id: String,
        paid: Money,
    },
    Failed {
        code: String,
        group: FailureGroup,
    },
    /// The page was never used, or its token ran out without a payment.
    NotStarted,
    /// Under way (3-D Secure and the like): may still become paid.
    Open {
        status: String,
    },
    /// Claims to be paid, but does not agree with what we asked for: a person has to look.
    Mismatch {
        provider_payment_id: Option<String>,
        differences: Vec<Difference>,
    },
}

/// What a customer may be told about a failed payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureGroup {
    /// Try again, perhaps with another card.
    AnotherCard,
    /// Try again; never say why (stolen card, fraud suspicion).
    SayNothing,
    Unknown,
}

/// What a later refund of this line needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineTransaction {
    pub line_id: String,
    pub transaction_id: String,
    pub paid: Money,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSummary {
    pub association: String,
    pub family: Option<String>,
    pub last_four: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub field: &'static str,
    pub expected: String,
    pub found: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelOutcome {
    /// The bank's or the provider's reference of the cancellation.
    pub reference: String,
}
