//! `/drafts`: what an order is made from. Answers have the old envelope `{"success":true,"data":…}`.

mod addresses;
mod commit;
mod message_card;
mod order_number;
mod saved_address;
mod view;

pub use view::DraftView;

use crate::extract::{Body, Customer, MinPosition, PageParams, Pagination, Params, PathId};
use crate::routes::acting::Acting;
use crate::wait::{SeenAt, Visibility};
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use cqrs_es::Aggregate;
use domain::draft::{CoverSize, Draft, DraftRefusal, Method, OpenDraft};
use domain::{AccountId, Command, DraftCommand, DraftId, Refusal};
use journal::{Commands, Rider, Seen};
use projections::drafts::{self, Drafts};
use projections::{Slice, current, current_seen};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use view::Success;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(message_card::choose))
        .routes(routes!(addresses::shipping))
        .routes(routes!(saved_address::choose))
        .routes(routes!(addresses::billing))
        .routes(routes!(commit::commit))
        .merge(super::ai::router())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    #[schema(value_type = String, example = "ai", pattern = "^(upload|ai|artist)$")]
    method: Method,
    /// `a6`, `a5` (default) or `a4`
    #[serde(default)]
    #[schema(value_type = String, example = "a5", pattern = "^(a6|a5|a4)$")]
    size: CoverSize,
}

/// A new draft.
#[utoipa::path(post, path = "", operation_id = "create_draft", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])), request_body = CreateBody,
    responses((status = 201, body = Success<DraftView>),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"),
        (status = 409, description = "`draft_already_exists`: the Idempotency-Key was used for another one")))]
async fn create(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    Body(body): Body<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let by = acting.by;
    let new = acting.creation("drafts");
    let id = DraftId(new.id);
    let command = DraftCommand::Create { by, method: body.method, size: body.size };
    let origin = acting.context.by_repeatable(by, new.command_id);
    let unit = vec![Command::Draft { id, command }];
    let committed = commands.execute(unit, &origin, Rider::default()).await?;
    let view = as_committed(&pool, id).await?;
    Ok((StatusCode::CREATED, SeenAt(committed.position), Json(view)))
}

#[derive(Serialize, ToSchema)]
struct DraftList {
    success: bool,
    data: Vec<DraftView>,
    pagination: Pagination,
}

/// The caller's drafts, newest first.
#[utoipa::path(get, path = "", operation_id = "drafts", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])),
    params(PageParams, ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = DraftList), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 503, description = "`not_yet_visible`")))]
async fn list(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    Params(page): Params<PageParams>,
) -> Result<Json<DraftList>, Problem> {
    let (limit, offset) = page.bounds(LIMIT_DEFAULT, LIMIT_MAX)?;
    visibility.wait("drafts", min).await?;
    let listed = drafts::list_of_customer(&pool, customer.account, Slice { limit, offset }).await?;
    let mut data = Vec::with_capacity(listed.items.len());
    for row in listed.items {
        data.push(DraftView::of(&pool, row).await?);
    }
    Ok(Json(DraftList { success: true, data, pagination: page.pagination(limit, listed.total) }))
}

/// One draft.
#[utoipa::path(get, path = "/{id}", operation_id = "draft", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "Draft id"),
        ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = Success<DraftView>), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`draft_not_found`"),
        (status = 503, description = "`not_yet_visible`")))]
async fn show(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    PathId(id): PathId<DraftId>,
) -> Result<Json<Success<DraftView>>, Problem> {
    visibility.wait("drafts", min).await?;
    let row = drafts::of_customer(&pool, id, customer.account).await?;
    let row = row.ok_or_else(|| Problem::not_found("draft_not_found"))?;
    Ok(Json(Success::of(DraftView::of(&pool, row).await?)))
}

/// The draft as a command just left it.
async fn as_committed(pool: &PgPool, id: DraftId) -> Result<Success<DraftView>, Problem> {
    let row = current::<Drafts>(pool, Draft::TYPE, &id.to_string()).await.map_err(Problem::internal)?;
    let row = row.ok_or_else(|| Problem::not_found("draft_not_found"))?;
    Ok(Success::of(DraftView::of(pool, row).await?))
}

/// Refuses a change of a version that the caller has not seen. Answers what there is, for the commit to hold to it.
pub(super) async fn unchanged(pool: &PgPool, acting: &Acting, id: DraftId) -> Result<Option<Seen>, Problem> {
    if !acting.if_match.is_given() {
        return Ok(None);
    }
    let (row, seen) =
        current_seen::<Drafts>(pool, Draft::TYPE, &id.to_string()).await.map_err(Problem::internal)?;
    let row = row.filter(|row| row.customer_id == acting.by);
    let row = row.ok_or_else(|| Problem::not_found("draft_not_found"))?;
    acting.if_match.check(&Success::of(DraftView::of(pool, row).await?))?;
    Ok(Some(seen))
}

/// A draft of the caller that can still be changed, straight from the journal; a foreign one looks like none.
pub(super) async fn open(
    commands: &Commands,
    id: DraftId,
    customer: AccountId,
) -> Result<OpenDraft, Problem> {
    let refusal = match commands.state::<Draft>(&id.to_string()).await? {
        Draft::Open(open) if open.customer == customer => return Ok(open),
        Draft::Committed { customer: owner, .. } if owner == customer => DraftRefusal::AlreadyCommitted,
        Draft::Canceled { customer: owner } if owner == customer => DraftRefusal::Canceled,
        Draft::Unknown | Draft::Open(_) | Draft::Committed { .. } | Draft::Canceled { .. } => {
            DraftRefusal::NotFound
        }
    };
    Err(Refusal::Draft(refusal).into())
}
