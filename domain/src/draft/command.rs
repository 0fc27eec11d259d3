use super::{CoverSize, MessageCard, Method, Picture};
use crate::{AccountId, AiJobId, OrderId, PersonalRef};
use serde::{Deserialize, Serialize};

/// `by` is the person who asks; only the draft's owner may change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftCommand {
    Create {
        by: AccountId,
        method: Method,
        size: CoverSize,
    },
    ChooseMessageCard {
        by: AccountId,
        card: MessageCard,
    },
    SetShipping {
        by: AccountId,
        address: PersonalRef,
    },
    SetBilling {
        by: AccountId,
        address: PersonalRef,
    },
    /// `cost` in credits is what the customer was shown; a price that has moved is refused.
    BeginGeneration {
        by: AccountId,
        job: AiJobId,
        cost: u32,
    },
    EndGeneration {
        job: AiJobId,
        delivered: u8,
    },
    SelectPicture {
        by: AccountId,
        picture: Picture,
    },
    Commit {
        by: AccountId,
        order: OrderId,
    },
    Cancel {
        by: AccountId,
        reason: Option<String>,
    },
}
