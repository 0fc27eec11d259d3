use super::{CoverSize, MessageCard, Method, Picture};
use crate::{AccountId, AiJobId, OrderId, PersonalRef};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DraftEvent {
    Created { customer: AccountId, method: Method, size: CoverSize },
    MessageCardChosen { card: MessageCard },
    ShippingSet { address: PersonalRef },
    BillingSet { address: PersonalRef },
    GenerationBegun { job: AiJobId, cost: u32 },
    GenerationEnded { job: AiJobId, delivered: u8 },
    PictureSelected { picture: Picture },
    Committed { order: OrderId },
    Canceled { reason: Option<String> },
}

impl DomainEvent for DraftEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Created { .. } => "created",
            Self::MessageCardChosen { .. } => "message_card_chosen",
            Self::ShippingSet { .. } => "shipping_set",
            Self::BillingSet { .. } => "billing_set",
            Self::GenerationBegun { .. } => "generation_begun",
            Self::GenerationEnded { .. } => "generation_ended",
            Self::PictureSelected { .. } => "picture_selected",
            Self::Committed { .. } => "committed",
            Self::Canceled { .. } => "canceled",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}
