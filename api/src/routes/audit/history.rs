//! `GET /audit/orders/{id}/history`, `GET /audit/accounts/{id}/history`

use super::state::{self, StateView};
use crate::Problem;
use crate::extract::{Auditor, Params, PathId};
use axum::Json;
use axum::extract::State;
use cqrs_es::Aggregate;
use domain::account::Account;
use domain::ai_job::AiJob;
use domain::draft::Draft;
use domain::order::Order;
use domain::payment::Payment;
use domain::{AccountId, DraftEvent, Envelope, Event, OrderEvent, OrderId};
use journal::leaf::leaf_hash;
use journal::read::{self, ReadError, StoredEvent};
use journal::tables::accounts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AsOf {
    /// A journal position or an RFC 3339 time: nothing that came later is shown
    #[param(schema_with = position_or_time)]
    as_of: Option<String>,
}

fn position_or_time() -> Schema {
    let whole = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    let position = ObjectBuilder::new().schema_type(Type::Integer).format(whole).minimum(Some(0));
    let time = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    OneOfBuilder::new().item(position).item(time).build().into()
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderHistoryView {
    order_id: String,
    #[serde(flatten)]
    history: HistoryView,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountHistoryView {
    account_id: String,
    #[serde(flatten)]
    history: HistoryView,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HistoryView {
    /// The last position that is shown; absent without `as_of`
    as_of_position: Option<i64>,
    /// In the order of the journal
    events: Vec<EventView>,
    /// Every aggregate as it was then; only with `as_of`
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Vec<StateView>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventView {
    position: i64,
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    event_type: String,
    event_version: String,
    /// Exactly what was hashed, so that anybody can compute the hash again
    payload: Value,
    metadata: BTreeMap<String, String>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String)]
    recorded_at: OffsetDateTime,
    /// Hex, as stored beside the event
    leaf_hash: String,
    /// Whether the event still has this hash
    verified: bool,
}

/// Everything that concerns an order: itself, its draft, its payments, and the AI jobs of the draft.
#[utoipa::path(get, path = "/orders/{id}/history", operation_id = "order_history", tag = "audit",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "Order id"), AsOf),
    responses((status = 200, body = OrderHistoryView),
        (status = 400, description = "`validation_failed`; `history_too_long`: ask for it as of an earlier moment"),
        (status = 401, description = "`unauthorized`"), (status = 403, description = "`forbidden`"),
        (status = 404, description = "`order_not_found`")))]
pub(super) async fn order_history(
    _: Auditor,
    State(pool): State<PgPool>,
    PathId(id): PathId<OrderId>,
    Params(AsOf { as_of }): Params<AsOf>,
) -> Result<Json<OrderHistoryView>, Problem> {
    let history = history(&pool, &streams(&pool, id).await?, as_of).await?;
    Ok(Json(OrderHistoryView { order_id: id.to_string(), history }))
}

/// Everything that was decided about an account: its roles (who gave them, and why), passwords, proofs, stolen sessions.
#[utoipa::path(get, path = "/accounts/{id}/history", operation_id = "account_history", tag = "audit",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = String, Path, description = "Account id"), AsOf),
    responses((status = 200, body = AccountHistoryView),
        (status = 400, description = "`validation_failed`; `history_too_long`: ask for it as of an earlier moment"),
        (status = 401, description = "`unauthorized`"), (status = 403, description = "`forbidden`"),
        (status = 404, description = "`account_not_found`")))]
pub(super) async fn account_history(
    _: Auditor,
    State(pool): State<PgPool>,
    PathId(id): PathId<AccountId>,
    Params(AsOf { as_of }): Params<AsOf>,
) -> Result<Json<AccountHistoryView>, Problem> {
    if accounts::get(&pool, id).await?.is_none() {
        return Err(Problem::not_found("account_not_found"));
    }
    let account_id = id.to_string();
    let history = history(&pool, &[(Account::TYPE.to_owned(), account_id.clone())], as_of).await?;
    Ok(Json(AccountHistoryView { account_id, history }))
}

async fn history(
    pool: &PgPool,
    streams: &[(String, String)],
    as_of: Option<String>,
) -> Result<HistoryView, Problem> {
    let up_to = match &as_of {
        Some(text) => Some(position(pool, text).await?),
        None => None,
    };
    let stored = read::history(pool, streams, up_to).await.map_err(|error| match error {
        ReadError::TooMany => Problem::bad_request("history_too_long"),
        other => Problem::internal(other),
    })?;
    let state = as_of.is_some().then(|| state::folded(&stored)).transpose()?;
    let events = stored.into_iter().map(EventView::of).collect::<Result<_, _>>()?;
    Ok(HistoryView { as_of_position: up_to, events, state })
}

async fn position(pool: &PgPool, text: &str) -> Result<i64, Problem> {
    if let Ok(position) = text.parse::<i64>() {
        if position < 0 {
            return Err(Problem::field("as_of", "invalid_value"));
        }
        // What is answered for the time to come must stay true when it has come.
        return Ok(position.min(read::head(pool).await.map_err(Problem::internal)?));
    }
    // In a query a plus sign arrives as a space.
    let time = OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339);
    let time = time.map_err(|_| Problem::field("as_of", "invalid_value"))?;
    read::position_at(pool, time).await.map_err(Problem::internal)
}

/// The streams that belong to an order, found by following its own events.
async fn streams(pool: &PgPool, order: OrderId) -> Result<Vec<(String, String)>, Problem> {
    let mut streams = vec![(Order::TYPE.to_owned(), order.to_string())];
    let mut draft = None;
    for event in events(pool, Order::TYPE, &order.to_string()).await? {
        match event {
            Event::Order(OrderEvent::Placed { placement }) => draft = Some(placement.draft.to_string()),
            Event::Order(
                OrderEvent::PaymentBegun { payment }
                | OrderEvent::Paid { payment, .. }
                | OrderEvent::SurplusReceived { payment, .. },
            ) => streams.push((Payment::TYPE.to_owned(), payment.to_string())),
            _ => {}
        }
    }
    let draft = draft.ok_or_else(|| Problem::not_found("order_not_found"))?;
    for event in events(pool, Draft::TYPE, &draft).await? {
        if let Event::Draft(DraftEvent::GenerationBegun { job, .. }) = event {
            streams.push((AiJob::TYPE.to_owned(), job.to_string()));
        }
    }
    streams.push((Draft::TYPE.to_owned(), draft));
    streams.sort_unstable();
    streams.dedup();
    Ok(streams)
}

async fn events(pool: &PgPool, aggregate_type: &str, id: &str) -> Result<Vec<Event>, Problem> {
    let envelopes = read::stream(pool, aggregate_type, id).await.map_err(Problem::internal)?;
    envelopes.iter().map(Envelope::decode).collect::<Result<_, _>>().map_err(Problem::internal)
}

impl EventView {
    fn of(event: StoredEvent) -> Result<Self, Problem> {
        let StoredEvent { envelope, leaf_hash: stored } = event;
        let verified = leaf_hash(&envelope).map_err(Problem::internal)? == stored;
        Ok(Self {
            position: envelope.position,
            aggregate_type: envelope.aggregate_type,
            aggregate_id: envelope.aggregate_id,
            sequence: envelope.sequence,
            event_type: envelope.event_type,
            event_version: envelope.event_version,
            payload: envelope.payload,
            metadata: envelope.metadata,
            recorded_at: envelope.recorded_at,
            leaf_hash: hex::encode(stored),
            verified,
        })
    }
}
