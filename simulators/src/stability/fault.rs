//! What can be told to go wrong at the picture provider.

use serde::{Deserialize, Serialize};

use crate::faults;

/// The provider's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Generate a picture.
    Core,
    /// `GET /v1/user/balance`
    Balance,
    /// `GET /v1/user/account`
    Account,
}

/// Failures. All that let the provider act have cost credits by the time they hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Does nothing, holds the connection (argument: milliseconds), closes it.
    TimeoutBefore,
    /// Charges, then holds and closes without an answer.
    TimeoutAfter,
    /// Charges; the connection breaks behind the headers.
    CutHeaders,
    /// Charges; the connection breaks in the middle of the picture.
    CutBody,
    /// Charges; a complete answer with half a picture.
    TruncatedPicture,
    /// Charges nothing; a gateway's HTML page.
    #[serde(rename = "http_502_html")]
    Http502Html,
    /// The same page, but the picture was made and charged.
    #[serde(rename = "http_502_after")]
    Http502After,
    /// Charges; the picture arrives in about a second, bit by bit.
    SlowDrip,
    /// Charges, waits (argument: milliseconds), answers.
    Slow,
    /// Charges nothing; the provider's own 500.
    #[serde(rename = "error_500")]
    Error500,
    /// Charges; the picture is called `text/html`.
    WrongContentType,
    /// Status 200, but blurred and marked `CONTENT_FILTERED`; not charged, as failures are not.
    ContentFiltered,
    /// 429, as if the limit were reached, without the lock.
    RateLimited,
}

impl faults::Fault for Fault {
    type Call = Call;

    fn fits(self, call: Call) -> bool {
        match self {
            Self::TimeoutBefore | Self::Http502Html | Self::Slow | Self::Error500 | Self::RateLimited => true,
            _ => call == Call::Core,
        }
    }
}

impl Fault {
    /// Whether the provider does not even look at the request.
    pub(crate) const fn prevents(self) -> bool {
        matches!(self, Self::TimeoutBefore | Self::Http502Html | Self::Error500 | Self::RateLimited)
    }
}
