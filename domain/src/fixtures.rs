//! Sample values, and the `given` that every aggregate's tests begin with.

use crate::draft::{CoverSize, MessageCard, Method, Picture};
use crate::order::{Line, LineKind, Placement};
use crate::{AccountId, AiJobId, Decide, DraftId, ImageId, Money, OrderId, PaymentId, PersonalRef};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub const CUSTOMER: AccountId = AccountId(Uuid::from_u128(0xC1));
pub const STRANGER: AccountId = AccountId(Uuid::from_u128(0xC2));
pub const DRAFT: DraftId = DraftId(Uuid::from_u128(0xD1));
pub const ORDER: OrderId = OrderId(Uuid::from_u128(0x01));
/// 249,00 TRY: a cover and its delivery.
pub const TOTAL: Money = Money::lira(24_900);

pub fn given<A: Decide>(events: impl IntoIterator<Item = A::Event>) -> AggregateTestExecutor<A> {
    TestFramework::<A>::with(()).given(events.into_iter().collect())
}

/// Minutes after a moment that all tests share.
pub fn minute(minutes: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::minutes(minutes)
}

pub fn job(n: u128) -> AiJobId {
    AiJobId(Uuid::from_u128(0xA0 + n))
}

pub fn payment(n: u128) -> PaymentId {
    PaymentId(Uuid::from_u128(0xF0 + n))
}

pub fn personal(n: u128) -> PersonalRef {
    PersonalRef { id: Uuid::from_u128(n), digest: format!("{n:064x}") }
}

pub fn picture(n: u128) -> Picture {
    Picture { image: ImageId(Uuid::from_u128(n)), job: job(1), sha256: format!("{n:064x}") }
}

pub fn message_card(n: u128) -> MessageCard {
    MessageCard {
        card: Uuid::from_u128(n),
        title: "İyi ki doğdun".into(),
        price: Money::lira(2_450),
        text: Some(personal(n)),
    }
}

pub fn line(kind: LineKind, quantity: u32, unit_price: i64) -> Line {
    Line {
        kind,
        reference: None,
        description: "Kişiye özel kapak".into(),
        quantity,
        unit_price: Money::lira(unit_price),
        vat_percent: 20,
    }
}

pub fn lines() -> Vec<Line> {
    vec![line(LineKind::Cover, 1, 21_900), line(LineKind::Shipping, 1, 3_000)]
}

pub fn placement() -> Placement {
    Placement {
        number: "CP-20261124-7K3M9QXZ".into(),
        customer: CUSTOMER,
        draft: DRAFT,
        method: Method::Ai,
        size: CoverSize::A5,
        picture: picture(1),
        lines: lines(),
        total: TOTAL,
        shipping: personal(1),
        billing: personal(2),
        message: None,
    }
}
