//! `POST /drafts/{id}/commit`: the draft becomes an order, once.

use super::addresses::{same_as_shipping, store};
use super::order_number::order_number;
use super::view::Success;
use super::{open, unchanged};
use crate::Problem;
use crate::extract::PathId;
use crate::routes::acting::Acting;
use crate::routes::orders::{self, OrderView};
use crate::wait::SeenAt;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use domain::draft::{Contents, CoverSize, Draft, DraftRefusal, OpenDraft};
use domain::ids::derived;
use domain::order::{Line, LineKind, Placement};
use domain::{
    AccountId, Command, DraftCommand, DraftId, Money, OrderCommand, OrderId, PersonalRef, Refusal, prices,
};
use journal::{Claim, Clock, CommandError, Commands, Committed, Context, Rider};
use sqlx::PgPool;

/// Scope of the claim on an order's number.
const NUMBER_SCOPE: &str = "order.number";
/// Scope of the claim of an order on its draft.
const DRAFT_SCOPE: &str = "draft.order";
/// Numbers that are tried when one is taken.
const NUMBERS_MAX: u8 = 5;

/// Orders the draft; a repeat answers the same order.
#[utoipa::path(post, path = "/{id}/commit", operation_id = "commit_draft", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    responses((status = 201, body = Success<OrderView>), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`draft_not_found`"),
        (status = 409, description = "`draft_picture_missing`, `draft_message_card_missing`, \
            `draft_shipping_missing`, `draft_busy`, `draft_canceled`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn commit(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    State(clock): State<Clock>,
    PathId(id): PathId<DraftId>,
) -> Result<impl IntoResponse, Problem> {
    let by = acting.by;
    let order = OrderId(derived(&["order", &id.to_string()]));
    let position = if is_committed(&commands, id, by, order).await? {
        position_of(&pool, order).await?
    } else {
        // First what will be agreed on, then the tag: the draft refuses if its contents have changed since.
        let draft = open(&commands, id, by).await?;
        unchanged(&pool, &acting, id).await?;
        let contents = draft.contents().map_err(Refusal::Draft)?;
        let placement = placement(&pool, by, id, draft).await?;
        let origin = acting.context.by_repeatable(by, derived(&["commit", &id.to_string()]));
        place(&commands, &clock, &origin, Agreed { draft: id, order, contents, placement }).await?.position
    };
    let view = orders::as_committed(&pool, order, by).await?;
    Ok((StatusCode::CREATED, SeenAt(position), Json(Success::of(view))))
}

async fn is_committed(
    commands: &Commands,
    id: DraftId,
    by: AccountId,
    order: OrderId,
) -> Result<bool, Problem> {
    let draft = commands.state::<Draft>(&id.to_string()).await?;
    Ok(draft == Draft::Committed { customer: by, order })
}

async fn position_of(pool: &PgPool, order: OrderId) -> Result<i64, Problem> {
    let stream = [("order".to_owned(), order.to_string())];
    journal::read::last_position(pool, &stream).await.map_err(Problem::internal)
}

/// An order, and the contents of the draft that it was made from: the draft refuses if it has others by now.
struct Agreed {
    draft: DraftId,
    order: OrderId,
    contents: Contents,
    placement: Placement,
}

/// Both aggregates in one commit, under a number that nobody has.
async fn place(
    commands: &Commands,
    clock: &Clock,
    origin: &Context,
    agreed: Agreed,
) -> Result<Committed, Problem> {
    let Agreed { draft, order, contents, mut placement } = agreed;
    let by = placement.customer;
    let mut attempt = 0;
    loop {
        placement.number = order_number(order, clock.now(), attempt)?;
        let claims = vec![
            Claim { scope: NUMBER_SCOPE.into(), key: placement.number.clone() },
            Claim { scope: DRAFT_SCOPE.into(), key: draft.to_string() },
        ];
        let unit = vec![
            Command::Draft {
                id: draft,
                command: DraftCommand::Commit { by, order, contents: contents.clone() },
            },
            Command::Order { id: order, command: OrderCommand::Place(placement.clone()) },
        ];
        match commands.execute(unit, origin, Rider { claims, ..Rider::default() }).await {
            Err(CommandError::ClaimTaken { scope, .. })
                if scope == NUMBER_SCOPE && attempt + 1 < NUMBERS_MAX =>
            {
                attempt += 1;
            }
            answer => return Ok(answer?),
        }
    }
}

/// What the customer agrees to; the number comes later.
async fn placement(
    pool: &PgPool,
    customer: AccountId,
    id: DraftId,
    draft: OpenDraft,
) -> Result<Placement, Problem> {
    let missing = |refusal| Problem::from(Refusal::Draft(refusal));
    let picture = draft.picture.clone().ok_or_else(|| missing(DraftRefusal::PictureMissing))?;
    let lines = lines(&draft).ok_or_else(|| missing(DraftRefusal::MessageCardMissing))?;
    let shipping = draft.shipping.clone().ok_or_else(|| missing(DraftRefusal::ShippingMissing))?;
    let billing = billing(pool, customer, id, &draft).await?;
    let total = Money::sum(lines.iter().map(|line| line.unit_price)).map_err(Problem::internal)?;
    Ok(Placement {
        number: String::new(),
        customer,
        draft: id,
        method: draft.method,
        size: draft.size,
        picture,
        lines,
        total,
        shipping,
        billing,
        message: draft.message_card.and_then(|card| card.text),
    })
}

/// Cover, card and delivery, one of each; none without a card. What costs nothing has no line.
fn lines(draft: &OpenDraft) -> Option<Vec<Line>> {
    let card = draft.message_card.as_ref()?;
    let size = match draft.size {
        CoverSize::A6 => "A6",
        CoverSize::A5 => "A5",
        CoverSize::A4 => "A4",
    };
    let line = |kind, reference, description: String, unit_price| Line {
        kind,
        reference,
        description,
        quantity: 1,
        unit_price,
        vat_percent: prices::VAT_PERCENT,
    };
    let card_title = format!("Mesaj kartı: {}", card.title);
    let lines = [
        line(LineKind::Cover, None, format!("Baskılı kapak {size}"), prices::cover(draft.size, draft.method)),
        line(LineKind::MessageCard, Some(card.card.to_string()), card_title, card.price),
        line(LineKind::Shipping, None, "Kargo".to_owned(), prices::SHIPPING),
    ];
    Some(lines.into_iter().filter(|line| line.unit_price.minor > 0).collect())
}

/// Its own, or the same person and place as the delivery.
async fn billing(
    pool: &PgPool,
    customer: AccountId,
    id: DraftId,
    draft: &OpenDraft,
) -> Result<PersonalRef, Problem> {
    if let Some(billing) = &draft.billing {
        return Ok(billing.clone());
    }
    let record = same_as_shipping(pool, draft).await?;
    let shipping = draft.shipping.as_ref().map(|shipping| shipping.id.to_string()).unwrap_or_default();
    store(pool, customer, "billing", &record, derived(&["billing", &id.to_string(), &shipping])).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use cqrs_es::Aggregate;
    use domain::DraftEvent;
    use domain::draft::{MessageCard, Method};
    use uuid::Uuid;

    fn draft(card: Option<MessageCard>) -> OpenDraft {
        let customer = AccountId(Uuid::nil());
        let mut draft = Draft::default();
        draft.apply(DraftEvent::Created { customer, method: Method::Ai, size: CoverSize::A5 });
        if let Some(card) = card {
            draft.apply(DraftEvent::MessageCardChosen { card });
        }
        match draft {
            Draft::Open(open) => open,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cover_card_and_delivery_are_lines_of_their_own() {
        let card = MessageCard {
            card: Uuid::nil(),
            title: "Tebrikler".into(),
            price: Money::lira(4_500),
            text: None,
        };
        let lines = lines(&draft(Some(card))).unwrap();
        let prices: Vec<i64> = lines.iter().map(|line| line.unit_price.minor).collect();
        assert_eq!(prices, [21_900, 4_500, 3_000]);
        assert!(super::lines(&draft(None)).is_none());
    }
}
