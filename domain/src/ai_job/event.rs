use super::{Generated, Job};
use crate::wallet::Delivered;
use crate::{AccountId, DraftId};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AiJobEvent {
    Requested {
        job: Job,
    },
    PictureBegun {
        index: u8,
        attempt: u8,
    },
    PictureDeferred {
        index: u8,
        attempt: u8,
    },
    /// `credits` is this picture's share of the price.
    PictureGenerated {
        index: u8,
        customer: AccountId,
        credits: u32,
        picture: Generated,
    },
    PictureFailed {
        index: u8,
        reason: String,
    },
    /// Every picture has come or failed.
    Finished {
        draft: DraftId,
        customer: AccountId,
        delivered: Vec<Delivered>,
        failed: u8,
    },
}

impl DomainEvent for AiJobEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Requested { .. } => "requested",
            Self::PictureBegun { .. } => "picture_begun",
            Self::PictureDeferred { .. } => "picture_deferred",
            Self::PictureGenerated { .. } => "picture_generated",
            Self::PictureFailed { .. } => "picture_failed",
            Self::Finished { .. } => "finished",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}
