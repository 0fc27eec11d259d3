//! `POST /payments/initiate`: opens an attempt to pay, and waits a little for the provider's page.

use super::page_of;
use crate::error::Fields;
use crate::extract::{Body, Client};
use crate::idempotency::fingerprint;
use crate::routes::acting::Acting;
use crate::wait::SeenAt;
use crate::{ApiConfig, AppState, Problem};
use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::order::{Order, OrderRefusal, Placement};
use domain::payment::{Provider, Request};
use domain::personal::{BuyerRecord, ShippingRecord};
use domain::{AccountId, Command, OrderCommand, OrderId, PaymentCommand, PaymentId, Refusal};
use journal::tables::{accounts, personal};
use journal::{Clock, CommandError, Commands, Rider};
use projections::payments::{self, PaymentRow, PaymentStatus};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

/// How often the read model is asked for the page.
const PAGE_POLL: Duration = Duration::from_millis(25);
/// A page that is about to run out is not handed out any more, in seconds.
const PAGE_LIFE_LEFT_MIN_S: i64 = 30;
/// When an attempt without a page is worth another look, in seconds.
const RETRY_AFTER_S: u32 = 5;

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct InitiateBody {
    order_id: Uuid,
    payment_method: PaymentMethod,
    /// Accepted, but buyers always come back to the shop's own page
    #[schema(format = "uri")]
    return_url: Option<String>,
    /// As `returnUrl`
    #[schema(format = "uri")]
    cancel_url: Option<String>,
}

impl InitiateBody {
    fn check(&self) -> Result<(), Problem> {
        let mut fields = Fields::new();
        for (name, url) in [("returnUrl", &self.return_url), ("cancelUrl", &self.cancel_url)] {
            fields.require(url.as_ref().is_none_or(|url| Url::parse(url).is_ok()), name, "invalid_value");
        }
        fields.finish()
    }
}

/// All of them lead to the provider's page, where the buyer chooses.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PaymentMethod {
    CreditCard,
    BankTransfer,
    DigitalWallet,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Initiated {
    payment_id: Uuid,
    /// The provider's page; send the buyer there
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
    #[schema(value_type = String, example = "pending")]
    status: PaymentStatus,
    /// Where to ask again, while there is no page yet
    #[serde(skip_serializing_if = "Option::is_none")]
    status_url: Option<String>,
}

/// Starts to pay an order. An attempt that is open already is answered again.
#[utoipa::path(post, path = "/initiate", operation_id = "initiate_payment", tag = "payments",
    security(("bearer" = []), ("cookie" = [])), request_body = InitiateBody,
    responses((status = 201, body = Initiated),
        (status = 202, body = Initiated, description = "The provider has not answered yet; see `Location`"),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`order_already_paid`, `order_canceled`, `idempotency_key_reused`, \
            `payment_in_progress`: the page of an open attempt has run out")))]
pub(super) async fn initiate(
    acting: Acting,
    State(desk): State<Desk>,
    client: Client,
    Body(body): Body<InitiateBody>,
) -> Result<Response, Problem> {
    body.check()?;
    let begun = desk.begin(&acting, client, &body).await?;
    desk.answer(begun, acting.by).await
}

/// What starting a payment needs.
#[derive(Clone)]
pub(super) struct Desk {
    pool: PgPool,
    commands: Commands,
    clock: Clock,
    config: Arc<ApiConfig>,
}

impl FromRef<AppState> for Desk {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            commands: state.commands.clone(),
            clock: state.clock.clone(),
            config: Arc::clone(&state.config),
        }
    }
}

/// The attempt that the order has now, and whether this request opened it.
struct Begun {
    payment: PaymentId,
    position: Option<i64>,
}

impl Desk {
    async fn begin(&self, acting: &Acting, client: Client, body: &InitiateBody) -> Result<Begun, Problem> {
        let (by, order) = (acting.by, OrderId(body.order_id));
        let placement = self.placement(order, by).await?;
        let ids = acting.creation("payments");
        let payment = PaymentId(ids.id);
        let buyer = self.buyer(by, &placement, client).await?;
        let unit = self.unit(order, payment, by, placement, buyer).await?;
        let answer = json!({ "paymentId": payment });
        let record = acting.key.record(by, "payments", body, answer).map_err(Problem::internal)?;
        let rider = Rider { idempotency: record, ..Rider::default() };
        // Not every key of the body reaches the command: another body must not pass for a repeat of it.
        let print = fingerprint(body).map_err(Problem::internal)?;
        let command_id = domain::ids::derived(&[&ids.command_id.to_string(), &print]);
        match self.commands.execute(unit, &acting.context.by_repeatable(by, command_id), rider).await {
            Ok(committed) => Ok(Begun { payment, position: Some(committed.position) }),
            Err(CommandError::Refused(Refusal::Order(OrderRefusal::PaymentInProgress { payment }))) => {
                Ok(Begun { payment, position: None })
            }
            Err(CommandError::IdempotencyKeyUsed { stored }) if print == stored.record.fingerprint => {
                let first = stored.record.answer["paymentId"].as_str().and_then(|id| id.parse().ok());
                Ok(Begun { payment: first.unwrap_or(payment), position: stored.position })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is to be paid, straight from the journal; a foreign order looks like none.
    async fn placement(&self, order: OrderId, by: AccountId) -> Result<Placement, Problem> {
        let state = self.commands.state::<Order>(&order.to_string()).await?;
        let placement = state.placement().filter(|placement| placement.customer == by);
        placement.cloned().ok_or_else(|| Refusal::Order(OrderRefusal::NotFound).into())
    }

    async fn unit(
        &self,
        order: OrderId,
        payment: PaymentId,
        by: AccountId,
        placement: Placement,
        buyer: BuyerRecord,
    ) -> Result<Vec<Command>, Problem> {
        let body = serde_json::to_value(buyer).map_err(Problem::internal)?;
        // A repeat from another network is another record; the answer to its key is the first one all the same.
        let record = domain::ids::derived(&["buyer", &payment.to_string(), &body.to_string()]);
        let buyer = personal::store(&self.pool, by, "buyer", &body, record).await?;
        let amount = placement.total;
        let request = Request {
            order,
            order_number: placement.number,
            customer: by,
            provider: Provider::Iyzico,
            amount,
            lines: placement.lines,
            shipping: placement.shipping,
            billing: placement.billing,
            buyer,
        };
        Ok(vec![
            Command::Order { id: order, command: OrderCommand::BeginPayment { by, payment, amount } },
            Command::Payment { id: payment, command: PaymentCommand::Request(request) },
        ])
    }

    /// Name and phone from the delivery where the account has none.
    async fn buyer(
        &self,
        by: AccountId,
        placement: &Placement,
        client: Client,
    ) -> Result<BuyerRecord, Problem> {
        let account = accounts::get(&self.pool, by).await?;
        let account = account.ok_or_else(Problem::unauthorized)?;
        let shipping = personal::get(&self.pool, placement.shipping.id).await?;
        let shipping: Option<ShippingRecord> =
            shipping.map(serde_json::from_value).transpose().map_err(Problem::internal)?;
        let (sender, phone) = shipping.map(|record| (record.sender_name, record.sender_phone)).unzip();
        let name = account.name.filter(|name| !name.trim().is_empty()).or(sender);
        Ok(BuyerRecord {
            name: name.ok_or_else(|| Problem::conflict("buyer_name_missing"))?,
            email: account.email,
            phone,
            // Behind no socket there is only this machine.
            ip: client.0.map_or_else(|| "127.0.0.1".to_owned(), |ip| ip.to_string()),
        })
    }

    /// Waits, bounded, until the attempt has its page or has failed.
    async fn answer(&self, begun: Begun, by: AccountId) -> Result<Response, Problem> {
        let end = Instant::now() + self.config.limits.checkout_wait_max;
        loop {
            let row = payments::of_customer(&self.pool, begun.payment, by).await?;
            if let Some(row) =
                row.filter(|row| row.page_expires_at.is_some() || row.status != PaymentStatus::Pending)
            {
                return self.opened(row, begun.position).await;
            }
            if Instant::now() >= end {
                return Ok(later(&begun));
            }
            tokio::time::sleep(PAGE_POLL).await;
        }
    }

    async fn opened(&self, row: PaymentRow, position: Option<i64>) -> Result<Response, Problem> {
        let pending = row.status == PaymentStatus::Pending;
        let soon = self.clock.now() + time::Duration::seconds(PAGE_LIFE_LEFT_MIN_S);
        if pending && row.page_expires_at.is_some_and(|expires| expires <= soon) {
            return Err(Problem::conflict("payment_in_progress").with_retry_after(RETRY_AFTER_S));
        }
        let initiated = Initiated {
            payment_id: row.id.0,
            redirect_url: page_of(&self.pool, &row).await?,
            status: row.status,
            status_url: None,
        };
        Ok((StatusCode::CREATED, position.map(SeenAt), Json(initiated)).into_response())
    }
}

fn later(begun: &Begun) -> Response {
    let status_url = format!("/api/v1/payments/{}/status", begun.payment);
    let initiated = Initiated {
        payment_id: begun.payment.0,
        redirect_url: None,
        status: PaymentStatus::Pending,
        status_url: Some(status_url.clone()),
    };
    let headers = [(header::LOCATION, status_url), (header::RETRY_AFTER, RETRY_AFTER_S.to_string())];
    (StatusCode::ACCEPTED, begun.position.map(SeenAt), headers, Json(initiated)).into_response()
}
