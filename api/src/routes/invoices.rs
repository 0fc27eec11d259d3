//! `/invoices`: issued when an order is paid; the PDF is filed a moment later.

use super::listing::Page;
use crate::extract::{Customer, MinPosition, PageParams, Params};
use crate::state::PrivateFiles;
use crate::wait::Visibility;
use crate::{AppState, Problem};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::order::InvoiceLine;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use projections::Slice;
use projections::invoices::{self, InvoiceOfOrder};
use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;
/// When a PDF that is not filed yet is worth another try, in seconds.
const RETRY_AFTER_S: u32 = 2;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(pdf))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InvoiceView {
    number: String,
    order_id: Uuid,
    order_number: String,
    payment_id: Uuid,
    /// Istanbul's date
    #[schema(example = "2026-11-24")]
    issued_on: String,
    lines: Vec<InvoiceLineView>,
    net_cents: i64,
    vat_cents: i64,
    gross_cents: i64,
    currency: String,
    pdf_url: String,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InvoiceLineView {
    description: String,
    quantity: u32,
    net_cents: i64,
    vat_percent: u32,
    vat_cents: i64,
    gross_cents: i64,
}

impl From<InvoiceOfOrder> for InvoiceView {
    fn from(found: InvoiceOfOrder) -> Self {
        let InvoiceOfOrder { invoice, order_number } = found;
        Self {
            pdf_url: format!("/api/v1/invoices/{}/pdf", invoice.number),
            number: invoice.number,
            order_id: invoice.order_id.0,
            order_number,
            payment_id: invoice.payment_id.0,
            issued_on: invoice.issued_on,
            lines: invoice.lines.into_iter().map(InvoiceLineView::from).collect(),
            net_cents: invoice.net_cents,
            vat_cents: invoice.vat_cents,
            gross_cents: invoice.gross_cents,
            currency: invoice.currency,
            created_at: invoice.created_at,
        }
    }
}

impl From<InvoiceLine> for InvoiceLineView {
    fn from(line: InvoiceLine) -> Self {
        Self {
            description: line.description,
            quantity: line.quantity,
            net_cents: line.net.minor,
            vat_percent: line.vat_percent,
            vat_cents: line.vat.minor,
            gross_cents: line.gross.minor,
        }
    }
}

/// The caller's invoices, newest first.
#[utoipa::path(get, path = "", operation_id = "invoices", tag = "invoices",
    security(("bearer" = []), ("cookie" = [])),
    params(PageParams, ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = Page<InvoiceView>), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 503, description = "`not_yet_visible`")))]
async fn list(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<InvoiceView>>, Problem> {
    let (limit, offset) = page.bounds(LIMIT_DEFAULT, LIMIT_MAX)?;
    visibility.wait("invoices", min).await?;
    let slice = Slice { limit, offset };
    let listed = invoices::list_of_customer(&pool, customer.account, slice).await?;
    Ok(Json(Page::of(listed, page, slice, InvoiceView::from)))
}

/// One invoice, by its number.
#[utoipa::path(get, path = "/{number}", operation_id = "invoice", tag = "invoices",
    security(("bearer" = []), ("cookie" = [])),
    params(("number" = String, Path, example = "PLK2026000000042"),
        ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = InvoiceView), (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`invoice_not_found`"), (status = 503, description = "`not_yet_visible`")))]
async fn show(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    Path(number): Path<String>,
) -> Result<Json<InvoiceView>, Problem> {
    visibility.wait("invoices", min).await?;
    Ok(Json(found(&pool, &number, customer).await?.into()))
}

/// The invoice as PDF.
#[utoipa::path(get, path = "/{number}/pdf", operation_id = "invoice_pdf", tag = "invoices",
    security(("bearer" = []), ("cookie" = [])), params(("number" = String, Path, example = "PLK2026000000042")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`invoice_not_found`"),
        (status = 409, description = "`invoice_not_filed`: try again after `Retry-After`")))]
async fn pdf(
    customer: Customer,
    State(pool): State<PgPool>,
    State(PrivateFiles(files)): State<PrivateFiles>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let number = found(&pool, &number, customer).await?.invoice.number;
    let key = Key::parse(format!("invoices/{number}.pdf")).map_err(Problem::internal)?;
    let file = files.get(&key).await.map_err(not_filed)?;
    let name = HeaderValue::try_from(format!("attachment; filename=\"{number}.pdf\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_LENGTH, file.meta.size.into()),
        (header::CONTENT_DISPOSITION, name.map_err(Problem::internal)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, Body::from_stream(file.into_stream())).into_response())
}

async fn found(pool: &PgPool, number: &str, customer: Customer) -> Result<InvoiceOfOrder, Problem> {
    let found = invoices::of_customer(pool, number, customer.account).await?;
    found.ok_or_else(|| Problem::not_found("invoice_not_found"))
}

fn not_filed(error: object_store::Error) -> Problem {
    match error {
        object_store::Error::NotFound { .. } => {
            Problem::conflict("invoice_not_filed").with_retry_after(RETRY_AFTER_S)
        }
        other => Problem::internal(other),
    }
}
