use super::{Contents, CoverSize, MessageCard, Method, Picture};
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
    /// `contents` is what the order was made from; a draft that has changed since is refused.
    Commit {
        by: AccountId,
        order: OrderId,
        contents: Contents,
    },
    Cancel {
        by: AccountId,
        reason: Option<String>,
    },
}

impl DraftCommand {
    /// Who asks; nobody, where the shop tells the draft what has happened.
    pub(super) fn by(&self) -> Option<AccountId> {
        match self {
            Self::Create { by, .. }
            | Self::ChooseMessageCard { by, .. }
            | Self::SetShipping { by, .. }
            | Self::SetBilling { by, .. }
            | Self::BeginGeneration { by, .. }
            | Self::SelectPicture { by, .. }
            | Self::Commit { by, .. }
            | Self::Cancel { by, .. } => Some(*by),
            Self::EndGeneration { .. } => None,
        }
    }
}
