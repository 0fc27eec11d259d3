//! What an order is made from: method, size, picture, message card, addresses. Frozen once it is ordered.

mod command;
mod event;
#[cfg(test)]
mod tests;

pub use command::DraftCommand;
pub use event::DraftEvent;

use crate::{AccountId, AiJobId, Decide, ImageId, Money, OrderId, PersonalRef, prices};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Where the picture comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Upload,
    Ai,
    Artist,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum CoverSize {
    A6,
    #[default]
    A5,
    A4,
}

/// The card that goes with the cover, at the price of that moment. The written text is personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageCard {
    pub card: Uuid,
    pub title: String,
    pub price: Money,
    pub text: Option<PersonalRef>,
}

/// The chosen picture; `sha256` (hex) is that of the untouched original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    pub image: ImageId,
    pub job: AiJobId,
    pub sha256: String,
}

/// What an order is made from; complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    pub picture: Picture,
    pub message_card: MessageCard,
    pub shipping: PersonalRef,
    pub billing: Option<PersonalRef>,
}

/// A draft that can still be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDraft {
    pub customer: AccountId,
    pub method: Method,
    pub size: CoverSize,
    pub message_card: Option<MessageCard>,
    pub shipping: Option<PersonalRef>,
    /// Absent: the same as shipping.
    pub billing: Option<PersonalRef>,
    pub picture: Option<Picture>,
    pub generating: Option<AiJobId>,
    /// Jobs that are over, whatever they delivered.
    pub ended: BTreeSet<AiJobId>,
    /// Jobs that delivered at least one picture; sets the price of the next.
    pub generations: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Draft {
    #[default]
    Unknown,
    Open(OpenDraft),
    Committed {
        customer: AccountId,
        order: OrderId,
    },
    Canceled {
        customer: AccountId,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftRefusal {
    #[error("there is no such draft")]
    NotFound,
    #[error("a draft with this id exists already, with other contents")]
    AlreadyExists,
    #[error("this draft has been ordered and cannot be changed")]
    AlreadyCommitted,
    #[error("this draft was canceled")]
    Canceled,
    #[error("pictures are being made for this draft; wait until they are there")]
    Busy,
    #[error("this draft is not made by AI")]
    NotByAi,
    #[error("the price of the next generation is {cost} credits")]
    PriceChanged { cost: u32 },
    #[error("this draft was changed meanwhile; look at it again, then order")]
    Changed,
    #[error("choose a picture first")]
    PictureMissing,
    #[error("choose a message card first")]
    MessageCardMissing,
    #[error("enter the delivery address first")]
    ShippingMissing,
}

impl DraftRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "draft_not_found",
            Self::AlreadyExists => "draft_already_exists",
            Self::AlreadyCommitted => "draft_already_committed",
            Self::Canceled => "draft_canceled",
            Self::Busy => "draft_busy",
            Self::NotByAi => "draft_not_by_ai",
            Self::PriceChanged { .. } => "generation_price_changed",
            Self::Changed => "draft_changed",
            Self::PictureMissing => "draft_picture_missing",
            Self::MessageCardMissing => "draft_message_card_missing",
            Self::ShippingMissing => "draft_shipping_missing",
        }
    }
}

aggregate!(Draft, "draft", DraftCommand, DraftEvent, DraftRefusal);

impl Decide for Draft {
    fn evolve(&mut self, event: DraftEvent) {
        if let DraftEvent::Created { customer, method, size } = event {
            *self = Self::Open(OpenDraft::new(customer, method, size));
            return;
        }
        let Self::Open(open) = self else { return };
        match event {
            DraftEvent::Created { .. } => {}
            DraftEvent::MessageCardChosen { card } => open.message_card = Some(card),
            DraftEvent::ShippingSet { address } => open.shipping = Some(address),
            DraftEvent::BillingSet { address } => open.billing = Some(address),
            DraftEvent::GenerationBegun { job, .. } => open.generating = Some(job),
            DraftEvent::GenerationEnded { job, delivered } => {
                open.ended.insert(job);
                open.generating = None;
                open.generations += u32::from(delivered > 0);
            }
            DraftEvent::PictureSelected { picture } => open.picture = Some(picture),
            DraftEvent::Committed { order } => *self = Self::Committed { customer: open.customer, order },
            DraftEvent::Canceled { .. } => *self = Self::Canceled { customer: open.customer },
        }
    }

    fn decide(&self, command: DraftCommand) -> Result<Vec<DraftEvent>, DraftRefusal> {
        use DraftCommand as C;
        match (self, command) {
            (Self::Unknown, C::Create { by, method, size }) => {
                Ok(vec![DraftEvent::Created { customer: by, method, size }])
            }
            (Self::Open(open), C::Create { by, method, size }) => {
                let same = (open.customer, open.method, open.size) == (by, method, size);
                if same { Ok(vec![]) } else { Err(DraftRefusal::AlreadyExists) }
            }
            (Self::Committed { .. } | Self::Canceled { .. }, C::Create { .. }) => {
                Err(DraftRefusal::AlreadyExists)
            }
            (Self::Unknown, _) => Err(DraftRefusal::NotFound),
            // A foreign draft looks like none at all, in every state.
            (
                Self::Open(OpenDraft { customer, .. })
                | Self::Committed { customer, .. }
                | Self::Canceled { customer },
                command,
            ) if command.by().is_some_and(|by| by != *customer) => Err(DraftRefusal::NotFound),
            (Self::Open(open), command) => open.decide(command),
            (Self::Committed { order, .. }, C::Commit { order: again, .. }) => {
                if *order == again {
                    Ok(vec![])
                } else {
                    Err(DraftRefusal::AlreadyCommitted)
                }
            }
            // A job that ends after the order was placed has nothing to tell the draft any more.
            (Self::Committed { .. } | Self::Canceled { .. }, C::EndGeneration { .. }) => Ok(vec![]),
            (Self::Committed { .. }, _) => Err(DraftRefusal::AlreadyCommitted),
            (Self::Canceled { .. }, C::Cancel { .. }) => Ok(vec![]),
            (Self::Canceled { .. }, _) => Err(DraftRefusal::Canceled),
        }
    }
}

impl OpenDraft {
    fn new(customer: AccountId, method: Method, size: CoverSize) -> Self {
        Self {
            customer,
            method,
            size,
            message_card: None,
            shipping: None,
            billing: None,
            picture: None,
            generating: None,
            ended: BTreeSet::new(),
            generations: 0,
        }
    }

    fn decide(&self, command: DraftCommand) -> Result<Vec<DraftEvent>, DraftRefusal> {
        use DraftCommand as C;
        match command {
            C::Create { .. } => Err(DraftRefusal::AlreadyExists),
            C::ChooseMessageCard { card, .. } => {
                let unchanged = self.message_card.as_ref() == Some(&card);
                Ok(once(unchanged, DraftEvent::MessageCardChosen { card }))
            }
            C::SetShipping { address, .. } => {
                let unchanged = self.shipping.as_ref() == Some(&address);
                Ok(once(unchanged, DraftEvent::ShippingSet { address }))
            }
            C::SetBilling { address, .. } => {
                let unchanged = self.billing.as_ref() == Some(&address);
                Ok(once(unchanged, DraftEvent::BillingSet { address }))
            }
            C::BeginGeneration { job, cost, .. } => self.begin_generation(job, cost),
            C::EndGeneration { job, delivered } => {
                let ended_before = self.generating != Some(job);
                Ok(once(ended_before, DraftEvent::GenerationEnded { job, delivered }))
            }
            C::SelectPicture { picture, .. } => {
                let unchanged = self.picture.as_ref() == Some(&picture);
                Ok(once(unchanged, DraftEvent::PictureSelected { picture }))
            }
            C::Commit { order, contents, .. } => self.commit(order, &contents),
            C::Cancel { reason, .. } => Ok(vec![DraftEvent::Canceled { reason }]),
        }
    }

    fn begin_generation(&self, job: AiJobId, cost: u32) -> Result<Vec<DraftEvent>, DraftRefusal> {
        if self.method != Method::Ai {
            return Err(DraftRefusal::NotByAi);
        }
        // A late repeat would wait for ever: a job ends only once.
        if self.ended.contains(&job) {
            return Ok(vec![]);
        }
        match self.generating {
            Some(running) if running == job => return Ok(vec![]),
            Some(_) => return Err(DraftRefusal::Busy),
            None => {}
        }
        let price = prices::generation(self.generations);
        if price != cost {
            return Err(DraftRefusal::PriceChanged { cost: price });
        }
        Ok(vec![DraftEvent::GenerationBegun { job, cost }])
    }

    /// What an order would be made from now, or what is missing for it.
    pub fn contents(&self) -> Result<Contents, DraftRefusal> {
        Ok(Contents {
            picture: self.picture.clone().ok_or(DraftRefusal::PictureMissing)?,
            message_card: self.message_card.clone().ok_or(DraftRefusal::MessageCardMissing)?,
            shipping: self.shipping.clone().ok_or(DraftRefusal::ShippingMissing)?,
            billing: self.billing.clone(),
        })
    }

    fn commit(&self, order: OrderId, contents: &Contents) -> Result<Vec<DraftEvent>, DraftRefusal> {
        if self.generating.is_some() {
            return Err(DraftRefusal::Busy);
        }
        if self.contents()? != *contents {
            return Err(DraftRefusal::Changed);
        }
        Ok(vec![DraftEvent::Committed { order }])
    }
}

/// What is already so needs no event.
fn once(already: bool, event: DraftEvent) -> Vec<DraftEvent> {
    if already { vec![] } else { vec![event] }
}
