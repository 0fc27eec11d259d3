//! `/payments`: starting to pay, asking how it went, and the provider's ways back to us.

mod callback;
mod initiate;
mod received;
mod webhook;

use crate::AppState;
use crate::Problem;
use crate::extract::{Customer, MinPosition, PathId};
use crate::wait::Visibility;
use axum::Json;
use axum::extract::State;
use domain::PaymentId;
use domain::payment::Provider;
use journal::tables::checkouts;
use projections::payments::{self, PaymentRow, PaymentStatus};
use serde::Serialize;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(initiate::initiate))
        .routes(routes!(status))
        .routes(routes!(callback::callback))
        .routes(routes!(webhook::iyzico))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PaymentView {
    id: Uuid,
    order_id: Uuid,
    /// `pending`, `success`, `failed`, `refunded`, `in_review`
    #[schema(value_type = String, example = "success")]
    status: PaymentStatus,
    /// Kuruş
    amount: i64,
    currency: String,
    #[schema(value_type = String, example = "iyzico")]
    provider: Provider,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
    receipt_url: Option<String>,
    /// The provider's page, while it can be used
    redirect_url: Option<String>,
    /// The provider's code, or `expired`
    failure_code: Option<String>,
}

/// Where the buyer can pay now: only while the attempt is open.
async fn page_of(pool: &PgPool, payment: &PaymentRow) -> Result<Option<String>, sqlx::Error> {
    if payment.status != PaymentStatus::Pending || payment.page_expires_at.is_none() {
        return Ok(None);
    }
    Ok(checkouts::get(pool, payment.id).await?.map(|checkout| checkout.page_url))
}

impl PaymentView {
    fn of(payment: PaymentRow, redirect_url: Option<String>) -> Self {
        Self {
            id: payment.id.0,
            order_id: payment.order_id.0,
            status: payment.status,
            amount: payment.amount_cents,
            currency: payment.currency,
            provider: payment.provider,
            created_at: payment.created_at,
            receipt_url: None,
            redirect_url,
            failure_code: payment.failure_code,
        }
    }
}

/// How an attempt to pay went.
#[utoipa::path(get, path = "/{id}/status", operation_id = "payment_status", tag = "payments",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "Payment id"),
        ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = PaymentView), (status = 400, description = "`validation_failed`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`payment_not_found`"),
        (status = 503, description = "`not_yet_visible`")))]
async fn status(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    PathId(id): PathId<PaymentId>,
) -> Result<Json<PaymentView>, Problem> {
    visibility.wait("payments", min).await?;
    let payment = payments::of_customer(&pool, id, customer.account).await?;
    let payment = payment.ok_or_else(|| Problem::not_found("payment_not_found"))?;
    let page = page_of(&pool, &payment).await?;
    Ok(Json(PaymentView::of(payment, page)))
}
