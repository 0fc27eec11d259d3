//! What can be told to go wrong at the provider of text messages.

use serde::{Deserialize, Serialize};

use crate::faults;

/// The provider's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Send a message.
    Message,
}

/// Failures. All that let the provider act have sent the message by the time they hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Does nothing, holds the connection (argument: milliseconds), closes it.
    TimeoutBefore,
    /// Sends, then holds and closes without an answer.
    TimeoutAfter,
    /// Sends; the connection breaks in the middle of the answer.
    CutBody,
    /// Sends nothing; a gateway's HTML page.
    #[serde(rename = "http_502_html")]
    Http502Html,
    /// The same page, but the message was sent.
    #[serde(rename = "http_502_after")]
    Http502After,
    /// Sends nothing; the provider's own 500.
    #[serde(rename = "error_500")]
    Error500,
    /// Sends, waits (argument: milliseconds), answers.
    Slow,
    /// Sends nothing; 429.
    RateLimited,
}

impl faults::Fault for Fault {
    type Call = Call;
}

impl Fault {
    /// Whether the provider does not even look at the request.
    pub(crate) const fn prevents(self) -> bool {
        matches!(self, Self::TimeoutBefore | Self::Http502Html | Self::Error500 | Self::RateLimited)
    }
}
