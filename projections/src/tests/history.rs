//! A journal in memory.

use crate::model::Place;
use domain::ai_job::{Generated, Job};
use domain::draft::{CoverSize, MessageCard, Method, Picture};
use domain::order::{Invoice, Line, LineKind, Placement};
use domain::payment::{Captured, Provider, Request};
use domain::{
    AccountId, AiJobEvent, AiJobId, DraftEvent, DraftId, Event, ImageId, Money, OrderEvent, OrderId,
    PaymentEvent, PaymentId, PersonalRef, WalletEvent,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub const CUSTOMER: AccountId = AccountId(Uuid::from_u128(1));
pub const DRAFT: DraftId = DraftId(Uuid::from_u128(2));
pub const ORDER: OrderId = OrderId(Uuid::from_u128(3));
pub const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(4));
pub const OTHER_PAYMENT: PaymentId = PaymentId(Uuid::from_u128(5));
pub const JOB: AiJobId = AiJobId(Uuid::from_u128(6));
pub const IMAGE: ImageId = ImageId(Uuid::from_u128(7));

/// The journal's time at a position.
pub fn at(position: i64) -> OffsetDateTime {
    datetime!(2026-11-24 12:00 UTC) + Duration::seconds(position)
}

#[derive(Default)]
pub struct History {
    pub events: Vec<(Place, Event)>,
}

impl History {
    fn push(mut self, aggregate: &str, id: Uuid, event: Event) -> Self {
        let position = i64::try_from(self.events.len()).unwrap() + 1;
        let place = Place {
            position,
            aggregate_type: aggregate.into(),
            aggregate_id: id.to_string(),
            recorded_at: at(position),
        };
        self.events.push((place, event));
        self
    }

    pub fn order(self, event: &OrderEvent) -> Self {
        self.push("order", ORDER.0, Event::Order(event.clone()))
    }

    pub fn payment(self, id: PaymentId, event: &PaymentEvent) -> Self {
        self.push("payment", id.0, Event::Payment(event.clone()))
    }

    pub fn wallet(self, event: &WalletEvent) -> Self {
        self.push("wallet", CUSTOMER.0, Event::Wallet(event.clone()))
    }

    pub fn draft(self, event: &DraftEvent) -> Self {
        self.push("draft", DRAFT.0, Event::Draft(event.clone()))
    }

    pub fn job(self, event: &AiJobEvent) -> Self {
        self.push("ai_job", JOB.0, Event::AiJob(event.clone()))
    }
}

pub fn personal(n: u128) -> PersonalRef {
    PersonalRef { id: Uuid::from_u128(n), digest: format!("{n:064x}") }
}

pub fn picture() -> Picture {
    Picture { image: IMAGE, job: JOB, sha256: "ab".repeat(32) }
}

pub fn card() -> MessageCard {
    MessageCard {
        card: Uuid::from_u128(8),
        title: "İyi ki doğdun".into(),
        price: Money::lira(2_500),
        text: Some(personal(9)),
    }
}

pub fn line() -> Line {
    Line {
        kind: LineKind::Cover,
        reference: None,
        description: "Kapak A5".into(),
        quantity: 1,
        unit_price: Money::lira(21_900),
        vat_percent: 20,
    }
}

pub fn placement() -> Placement {
    Placement {
        number: "CP-20261124-0123ABCD".into(),
        customer: CUSTOMER,
        draft: DRAFT,
        method: Method::Ai,
        size: CoverSize::A5,
        picture: picture(),
        lines: vec![line()],
        total: Money::lira(21_900),
        shipping: personal(10),
        billing: personal(11),
        message: None,
    }
}

pub fn placed() -> OrderEvent {
    OrderEvent::Placed { placement: placement() }
}

pub fn begun(payment: PaymentId) -> OrderEvent {
    OrderEvent::PaymentBegun { payment }
}

pub fn paid(payment: PaymentId) -> OrderEvent {
    OrderEvent::Paid { payment, amount: Money::lira(21_900) }
}

pub fn invoiced() -> OrderEvent {
    let number = "PLK2026000000001".into();
    OrderEvent::InvoiceIssued {
        invoice: Invoice::of(&placement(), PAYMENT, number, "2026-11-24".into()).unwrap(),
    }
}

pub fn requested() -> PaymentEvent {
    PaymentEvent::Requested {
        request: Request {
            order: ORDER,
            order_number: placement().number,
            customer: CUSTOMER,
            provider: Provider::Iyzico,
            amount: Money::lira(21_900),
            lines: vec![line()],
            shipping: personal(10),
            billing: personal(11),
            buyer: personal(12),
        },
    }
}

pub fn opened() -> PaymentEvent {
    PaymentEvent::CheckoutOpened { order: ORDER, token_digest: "d1".into(), expires_at: at(1_800) }
}

pub fn captured() -> PaymentEvent {
    PaymentEvent::Captured {
        order: ORDER,
        captured: Captured {
            provider_payment_id: "p-77".into(),
            amount: Money::lira(21_900),
            lines: vec![],
            card: Some("VISA ****0008".into()),
        },
    }
}

pub fn job_requested() -> AiJobEvent {
    AiJobEvent::Requested {
        job: Job {
            draft: DRAFT,
            customer: CUSTOMER,
            prompt: "bir kedi".into(),
            negative_prompt: None,
            count: 2,
            cost: 100,
            seed: u32::MAX,
        },
    }
}

pub fn generated(index: u8) -> AiJobEvent {
    AiJobEvent::PictureGenerated {
        index,
        customer: CUSTOMER,
        credits: 50,
        picture: Generated {
            image: ImageId(Uuid::from_u128(IMAGE.0.as_u128() + u128::from(index) * 100)),
            original_key: format!("{index}.png"),
            preview_key: format!("{index}-p.jpg"),
            thumbnail_key: format!("{index}-t.jpg"),
            sha256: "ab".repeat(32),
            width: 1024,
            height: 1536,
        },
    }
}
