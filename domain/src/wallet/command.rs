use super::GrantKind;
use crate::AiJobId;
use serde::{Deserialize, Serialize};

/// Credits are whole numbers; one grant per reference, one reservation per job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WalletCommand {
    Grant {
        reference: String,
        credits: u32,
        kind: GrantKind,
    },
    Reserve {
        job: AiJobId,
        credits: u32,
    },
    /// Takes part of a reservation for good: one delivered picture.
    Capture {
        job: AiJobId,
        index: u8,
        credits: u32,
    },
    /// Ends a reservation: captures what was delivered and not yet captured, gives back the rest.
    Settle {
        job: AiJobId,
        delivered: Vec<Delivered>,
    },
}

/// A delivered picture and its share of the job's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivered {
    pub index: u8,
    pub credits: u32,
}
