//! `POST /drafts/{id}/message-card`

use super::view::{DraftView, Success};
use super::{as_committed, open, unchanged};
use crate::Problem;
use crate::error::Fields;
use crate::extract::{Body, PathId};
use crate::routes::acting::Acting;
use crate::routes::postal::bounds;
use crate::wait::SeenAt;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use domain::draft::MessageCard;
use domain::personal::MessageRecord;
use domain::{AccountId, Command, DraftCommand, DraftId, Money, PersonalRef};
use journal::tables::{message_cards, personal};
use journal::{Commands, Rider};
use serde::Deserialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

const ADDRESSEE_CHARS_MAX: usize = 100;
const CONTENT_CHARS_MAX: usize = 1_000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct MessageCardBody {
    message_card_id: Uuid,
    /// 1 to 100 characters
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    to: Option<String>,
    /// 1 to 100 characters
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    signature: Option<String>,
    /// 1 to 1000 characters, lines allowed
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
    )]
    content: Option<String>,
}

/// Puts a card with the cover, at the card's price of this moment.
#[utoipa::path(post, path = "/{id}/message-card", operation_id = "choose_message_card", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    request_body = MessageCardBody,
    responses((status = 200, body = Success<DraftView>),
        (status = 400, description = "`validation_failed`, `unknown_field`, `message_card_not_found`, `message_card_not_published`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`draft_not_found`"),
        (status = 409, description = "`draft_already_committed`, `draft_canceled`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn choose(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    PathId(id): PathId<DraftId>,
    Body(body): Body<MessageCardBody>,
) -> Result<impl IntoResponse, Problem> {
    let by = acting.by;
    let words = words(&body)?;
    open(&commands, id, by).await?;
    let seen = unchanged(&pool, &acting, id).await?;
    let card = message_cards::get(&pool, body.message_card_id).await?;
    let card = card.ok_or_else(|| Problem::bad_request("message_card_not_found"))?;
    if !card.is_published {
        return Err(Problem::bad_request("message_card_not_published"));
    }
    let record = acting.creation(&format!("message-card {id}")).id;
    let text = store(&pool, by, words, record).await?;
    let price = Money::lira(card.price_cents);
    let card = MessageCard { card: card.id, title: card.title, price, text };
    let command = DraftCommand::ChooseMessageCard { by, card };
    let unit = vec![Command::Draft { id, command }];
    let committed = commands.execute_upon(unit, &acting.origin(), Rider::default(), seen).await?;
    Ok((SeenAt(committed.position), Json(as_committed(&pool, id).await?)))
}

fn words(body: &MessageCardBody) -> Result<Option<MessageRecord>, Problem> {
    let mut fields = Fields::new();
    bounds::optional(&mut fields, "to", body.to.as_ref(), 1, ADDRESSEE_CHARS_MAX);
    bounds::optional(&mut fields, "signature", body.signature.as_ref(), 1, ADDRESSEE_CHARS_MAX);
    if let Some(content) = &body.content {
        fields.length("content", content, 1, CONTENT_CHARS_MAX);
        let printable = content.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
        fields.require(printable, "content", "invalid_value");
    }
    fields.finish()?;
    let record = MessageRecord {
        to: body.to.clone(),
        signature: body.signature.clone(),
        content: body.content.clone(),
    };
    let empty = record.to.is_none() && record.signature.is_none() && record.content.is_none();
    Ok(if empty { None } else { Some(record) })
}

async fn store(
    pool: &PgPool,
    account: AccountId,
    words: Option<MessageRecord>,
    record: Uuid,
) -> Result<Option<PersonalRef>, Problem> {
    let Some(words) = words else { return Ok(None) };
    let body = serde_json::to_value(words).map_err(Problem::internal)?;
    Ok(Some(personal::store(pool, account, "message", &body, record).await?))
}
