//! What can be told to go wrong at the payment provider.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::amount::Amount;
use crate::faults;

/// The provider's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `GET /payment/test`
    Test,
    /// Open a payment page.
    Initialize,
    /// Result by token.
    Retrieve,
    /// Result by payment or conversation.
    Detail,
    /// Give everything back on the same day.
    Cancel,
    /// Give a part of a line back.
    Refund,
    /// Report of a payment.
    Report,
}

/// Failures. `argument` is what stands behind the colon in `slow:250`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Does nothing, holds the connection (argument: milliseconds), closes it.
    TimeoutBefore,
    /// Acts, then holds and closes without an answer.
    TimeoutAfter,
    /// Does nothing and answers 500 in the provider's envelope.
    #[serde(rename = "error_500")]
    Error500,
    /// Does nothing; a gateway's HTML page.
    #[serde(rename = "http_502_html")]
    Http502Html,
    /// Does nothing and refuses with the argument as `errorCode` (50000 without one).
    BusinessError,
    /// Acts; half of the answer arrives.
    CutBody,
    /// Acts, waits (argument: milliseconds), answers.
    Slow,
    /// The answer is signed with another key.
    BadSignature,
    /// The answer is not signed.
    MissingSignature,
    /// Price and paid price are another amount; well signed, like the three below.
    AmountChanged,
    /// The answer names another order.
    OtherBasket,
    /// The answer names another conversation.
    OtherConversation,
    /// The answer is in another currency.
    CurrencyChanged,
    /// The payment is under review in this answer.
    InReview,
}

impl faults::Fault for Fault {
    type Call = Call;

    fn fits(self, call: Call) -> bool {
        let result = matches!(call, Call::Retrieve | Call::Detail);
        match self {
            Self::InReview => result,
            Self::AmountChanged | Self::OtherBasket | Self::CurrencyChanged => {
                result || matches!(call, Call::Cancel | Call::Refund)
            }
            Self::BadSignature | Self::MissingSignature => {
                result || matches!(call, Call::Initialize | Call::Refund)
            }
            _ => true,
        }
    }
}

impl Fault {
    /// Changes what an answer says, before it is signed.
    pub(crate) fn falsify(self, answer: &mut Map<String, Value>) {
        match self {
            Self::AmountChanged => {
                for field in ["price", "paidPrice"] {
                    if answer.contains_key(field) {
                        answer.insert(field.to_owned(), Amount(100).to_json());
                    }
                }
            }
            Self::OtherBasket => set(answer, "basketId", "baska-bir-sepet"),
            Self::OtherConversation => set(answer, "conversationId", "baska-bir-gorusme"),
            Self::CurrencyChanged => {
                let other = if answer.get("currency") == Some(&json!("USD")) { "EUR" } else { "USD" };
                set(answer, "currency", other);
            }
            Self::InReview => {
                answer.insert("fraudStatus".to_owned(), json!(0));
            }
            _ => {}
        }
    }
}

fn set(answer: &mut Map<String, Value>, field: &str, value: &str) {
    answer.insert(field.to_owned(), json!(value));
}
