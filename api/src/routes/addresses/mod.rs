//! `/addresses`: the caller's address book. Bare rows, and the list under its old key.

mod body;
mod book;
mod places;
mod view;

pub(super) use book::found;

use crate::extract::{Body, Customer, IfMatch, PathId};
use crate::routes::acting::Acting;
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use body::AddressBody;
use book::Book;
use journal::tables::addresses;
use sqlx::PgPool;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use view::{AddressList, AddressView};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(default))
        .routes(routes!(show, update, remove))
        .routes(routes!(make_default))
}

/// The caller's addresses: the default first, then the newest.
#[utoipa::path(get, path = "", operation_id = "addresses", tag = "addresses",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = AddressList), (status = 401, description = "`unauthorized`")))]
async fn list(customer: Customer, State(pool): State<PgPool>) -> Result<Json<AddressList>, Problem> {
    let rows = addresses::list(&pool, customer.account).await?;
    Ok(Json(AddressList { addresses: rows.into_iter().map(AddressView::from).collect() }))
}

/// The default address.
#[utoipa::path(get, path = "/default", operation_id = "default_address", tag = "addresses",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = AddressView), (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`address_not_found`")))]
async fn default(customer: Customer, State(pool): State<PgPool>) -> Result<Json<AddressView>, Problem> {
    Ok(Json(found(addresses::default(&pool, customer.account).await?)?.into()))
}

/// One address.
#[utoipa::path(get, path = "/{id}", operation_id = "address", tag = "addresses",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Address id")),
    responses((status = 200, body = AddressView), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`address_not_found`")))]
async fn show(
    customer: Customer,
    State(pool): State<PgPool>,
    PathId(id): PathId<Uuid>,
) -> Result<Json<AddressView>, Problem> {
    Ok(Json(found(addresses::get(&pool, customer.account, id).await?)?.into()))
}

/// Saves an address; the first one becomes the default.
#[utoipa::path(post, path = "", operation_id = "create_address", tag = "addresses",
    security(("bearer" = []), ("cookie" = [])), request_body = AddressBody,
    responses((status = 201, body = AddressView),
        (status = 400, description = "`validation_failed`, `unknown_field`, `address_limit_reached`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`account_not_found`"),
        (status = 409, description = "`idempotency_key_reused`")))]
async fn create(
    acting: Acting,
    State(book): State<Book>,
    Body(body): Body<AddressBody>,
) -> Result<(StatusCode, Json<AddressView>), Problem> {
    let as_default = body.is_default.unwrap_or(false);
    let content = body.checked(None)?;
    let row = book.add(acting.by, acting.creation("addresses").id, content, as_default).await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// Changes an address: absent keys stay as they are, null clears. A default that is unset goes to the newest other one.
#[utoipa::path(put, path = "/{id}", operation_id = "update_address", tag = "addresses",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Address id")),
    request_body = AddressBody,
    responses((status = 200, body = AddressView),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`address_not_found`"),
        (status = 412, description = "`precondition_failed`")))]
async fn update(
    customer: Customer,
    State(book): State<Book>,
    if_match: IfMatch,
    PathId(id): PathId<Uuid>,
    Body(body): Body<AddressBody>,
) -> Result<Json<AddressView>, Problem> {
    Ok(Json(book.change(customer.account, id, body, &if_match).await?.into()))
}

/// Makes an address the default.
#[utoipa::path(post, path = "/{id}/default", operation_id = "make_default_address", tag = "addresses",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Address id")),
    responses((status = 200, body = AddressView), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`address_not_found`"),
        (status = 412, description = "`precondition_failed`")))]
async fn make_default(
    customer: Customer,
    State(book): State<Book>,
    if_match: IfMatch,
    PathId(id): PathId<Uuid>,
) -> Result<Json<AddressView>, Problem> {
    Ok(Json(book.make_default(customer.account, id, &if_match).await?.into()))
}

/// Removes an address; if it was the default, the newest remaining one is.
#[utoipa::path(delete, path = "/{id}", operation_id = "delete_address", tag = "addresses",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Address id")),
    responses((status = 204, description = "Removed"), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`address_not_found`"),
        (status = 412, description = "`precondition_failed`")))]
async fn remove(
    customer: Customer,
    State(book): State<Book>,
    if_match: IfMatch,
    PathId(id): PathId<Uuid>,
) -> Result<StatusCode, Problem> {
    book.remove(customer.account, id, &if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
