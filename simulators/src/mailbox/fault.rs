//! What can be told to go wrong in an SMTP dialogue.

use serde::{Deserialize, Serialize};

use crate::faults;

/// Where in the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// On connecting.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// The DATA command.
    Data,
    /// The dot that ends a message.
    Dot,
}

/// Failures. `argument` is what stands behind the colon in `reply:450`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Waits (argument: milliseconds) and goes on; at the dot the message is kept first.
    Stall,
    /// Closes the connection instead of answering; at the dot the message is not kept.
    Close,
    /// Keeps the message, then closes without an answer. Only at the dot.
    CloseAfterDot,
    /// Refuses with this code (argument, 421 without one); 421 also closes.
    Reply,
    /// Answers correctly, in 50 lines.
    ManyLines,
    /// Answers with 200 kB of text.
    HugeReply,
    /// Answers correctly, one byte at a time.
    SplitBytes,
}

impl faults::Fault for Fault {
    type Call = Step;

    fn fits(self, step: Step) -> bool {
        self != Self::CloseAfterDot || step == Step::Dot
    }
}
