//! `/orders`: what a customer bought. Orders are made by committing a draft.

mod view;

pub use view::OrderView;

use super::listing::{EnvelopeParam, ListOrPage, Page};
use crate::error::Fields;
use crate::extract::{Customer, MinPosition, OptionalBody, PageParams, Params, PathId};
use crate::routes::acting::Acting;
use crate::wait::{SeenAt, Visibility};
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cqrs_es::Aggregate;
use domain::order::Order;
use domain::{AccountId, Command, OrderCommand, OrderId};
use journal::{Commands, Rider, Seen};
use projections::orders::{self, OrderWithPayments, Orders};
use projections::{Slice, current_seen};
use serde::Deserialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(cancel))
}

/// The caller's orders, newest first: a bare array, or `{items, pagination}` with `?envelope=page`.
#[utoipa::path(get, path = "", operation_id = "orders", tag = "orders",
    security(("bearer" = []), ("cookie" = [])),
    params(PageParams, EnvelopeParam,
        ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = ListOrPage<OrderView>, headers(("X-Total-Count" = i64))),
        (status = 400, description = "`validation_failed`, `invalid_query`"),
        (status = 401, description = "`unauthorized`"), (status = 503, description = "`not_yet_visible`")))]
async fn list(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    Params(page): Params<PageParams>,
    Params(envelope): Params<EnvelopeParam>,
) -> Result<Response, Problem> {
    let (limit, offset) = page.bounds(LIMIT_DEFAULT, LIMIT_MAX)?;
    visibility.wait("orders", min).await?;
    let slice = Slice { limit, offset };
    let listed = orders::list_of_customer(&pool, customer.account, slice).await?;
    Ok(Page::of(listed, page, slice, OrderView::from).answer(envelope))
}

/// One order with its lines and payments.
#[utoipa::path(get, path = "/{id}", operation_id = "order", tag = "orders",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "Order id"),
        ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = OrderView), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`order_not_found`"),
        (status = 503, description = "`not_yet_visible`")))]
async fn show(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    PathId(id): PathId<OrderId>,
) -> Result<Json<OrderView>, Problem> {
    visibility.wait("orders", min).await?;
    let found = orders::of_customer(&pool, id, customer.account).await?;
    Ok(Json(found.ok_or_else(|| Problem::not_found("order_not_found"))?.into()))
}

#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct CancelBody {
    /// 3 to 500 characters
    #[schema(min_length = 3, max_length = 500)]
    reason: Option<String>,
}

/// Cancels an order that is not paid.
#[utoipa::path(post, path = "/{id}/cancel", operation_id = "cancel_order", tag = "orders",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Order id")),
    request_body = Option<CancelBody>,
    responses((status = 200, body = OrderView), (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`order_cancel_not_possible`: it is paid"),
        (status = 412, description = "`precondition_failed`")))]
async fn cancel(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    PathId(id): PathId<OrderId>,
    OptionalBody(body): OptionalBody<CancelBody>,
) -> Result<impl IntoResponse, Problem> {
    let reason = body.unwrap_or_default().reason;
    let mut fields = Fields::new();
    if let Some(reason) = &reason {
        fields.length("reason", reason, 3, 500);
    }
    fields.finish()?;
    let by = acting.by;
    let mut seen = None;
    if acting.if_match.is_given() {
        let (view, now) = as_seen(&pool, id, by).await?;
        acting.if_match.check(&view)?;
        seen = Some(now);
    }
    let command = OrderCommand::Cancel { by, reason };
    let unit = vec![Command::Order { id, command }];
    let committed = commands.execute_upon(unit, &acting.origin(), Rider::default(), seen).await?;
    let view = as_committed(&pool, id, by).await?;
    Ok((SeenAt(committed.position), Json(view)))
}

/// The order as a command just left it; its payments as far as they are known to the read model.
pub(super) async fn as_committed(
    pool: &PgPool,
    id: OrderId,
    customer: AccountId,
) -> Result<OrderView, Problem> {
    Ok(as_seen(pool, id, customer).await?.0)
}

/// The same, and how much of the order it shows.
async fn as_seen(pool: &PgPool, id: OrderId, customer: AccountId) -> Result<(OrderView, Seen), Problem> {
    let (order, seen) =
        current_seen::<Orders>(pool, Order::TYPE, &id.to_string()).await.map_err(Problem::internal)?;
    let order = order.filter(|order| order.customer_id == customer);
    let order = order.ok_or_else(|| Problem::not_found("order_not_found"))?;
    let known = orders::of_customer(pool, id, customer).await?;
    let payments = known.map_or_else(Vec::new, |known| known.payments);
    Ok((OrderWithPayments { order, payments }.into(), seen))
}
