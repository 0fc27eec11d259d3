use super::{Generated, Job};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AiJobCommand {
    Request(Job),
    /// The durable intent before each call to the provider. Each call without a known outcome may have been
    /// charged and counts as an attempt.
    BeginPicture {
        index: u8,
    },
    /// The call that was begun certainly did nothing: it does not count.
    DeferPicture {
        index: u8,
    },
    RecordPicture {
        index: u8,
        picture: Generated,
    },
    /// The picture will not come: `reason` is a stable code.
    FailPicture {
        index: u8,
        reason: String,
    },
}
