//! `/wallet`: credits. A reservation shows as a `spend` at once, what it does not use comes back as a `refund`.

use crate::extract::{Customer, MinPosition, PageParams, Pagination, Params};
use crate::wait::Visibility;
use crate::{AppState, Problem};
use axum::Json;
use axum::extract::State;
use domain::ids::derived;
use projections::Slice;
use projections::wallet_entries::{self, EntryKind, WalletEntryRow};
use projections::wallets;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

const HISTORY_LIMIT_DEFAULT: u32 = 20;
const HISTORY_LIMIT_MAX: u32 = 100;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(balance)).routes(routes!(history)).routes(routes!(stats))
}

#[derive(Serialize, ToSchema)]
struct Balance {
    /// What can be spent now
    balance: i64,
    /// Taken for pictures that are still being made
    reserved: i64,
}

/// What can be spent.
#[utoipa::path(get, path = "", operation_id = "wallet", tag = "wallet",
    security(("bearer" = []), ("cookie" = [])),
    params(("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = Balance), (status = 401, description = "`unauthorized`"),
        (status = 503, description = "`not_yet_visible`")))]
async fn balance(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
) -> Result<Json<Balance>, Problem> {
    visibility.wait("wallets", min).await?;
    let wallet = wallets::of_account(&pool, customer.account).await?;
    let (balance, reserved) = wallet.map_or((0, 0), |wallet| (wallet.available, wallet.reserved));
    Ok(Json(Balance { balance, reserved }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HistoryParams {
    /// `all`, `spend`, `refund`, `purchase` or `gift`
    #[serde(default, rename = "type")]
    #[param(value_type = Option<String>, pattern = "^(all|spend|refund|purchase|gift)$")]
    kind: WantedKind,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WantedKind {
    #[default]
    All,
    Spend,
    Refund,
    Purchase,
    Gift,
}

impl From<WantedKind> for Option<EntryKind> {
    fn from(kind: WantedKind) -> Self {
        match kind {
            WantedKind::All => None,
            WantedKind::Spend => Some(EntryKind::Spend),
            WantedKind::Refund => Some(EntryKind::Refund),
            WantedKind::Purchase => Some(EntryKind::Purchase),
            WantedKind::Gift => Some(EntryKind::Gift),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct History {
    transactions: Vec<Transaction>,
    pagination: Pagination,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    id: Uuid,
    user_id: Uuid,
    /// Negative for what was spent
    delta: i64,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "spend")]
    kind: EntryKind,
    /// The AI job of a spend or refund; what a grant was for
    ref_id: String,
    /// Not kept
    note: Option<String>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
}

impl From<WalletEntryRow> for Transaction {
    fn from(entry: WalletEntryRow) -> Self {
        Self {
            id: derived(&["wallet_entry", &entry.position.to_string()]),
            user_id: entry.account_id.0,
            delta: entry.delta,
            kind: entry.kind,
            ref_id: entry.reference,
            note: None,
            created_at: entry.created_at,
        }
    }
}

/// Every change of what can be spent, newest first.
#[utoipa::path(get, path = "/history", operation_id = "wallet_history", tag = "wallet",
    security(("bearer" = []), ("cookie" = [])),
    params(PageParams, HistoryParams,
        ("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = History), (status = 400, description = "`validation_failed`, `invalid_query`"),
        (status = 401, description = "`unauthorized`"), (status = 503, description = "`not_yet_visible`")))]
async fn history(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
    Params(page): Params<PageParams>,
    Params(params): Params<HistoryParams>,
) -> Result<Json<History>, Problem> {
    let (limit, offset) = page.bounds(HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX)?;
    visibility.wait("wallet_entries", min).await?;
    let slice = Slice { limit, offset };
    let listed = wallet_entries::of_account(&pool, customer.account, params.kind.into(), slice).await?;
    Ok(Json(History {
        transactions: listed.items.into_iter().map(Transaction::from).collect(),
        pagination: page.pagination(limit, listed.total),
    }))
}

#[derive(Serialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
struct Stats {
    current_balance: i64,
    /// Purchases and gifts
    total_earned: i64,
    /// Positive
    total_spent: i64,
    total_refunded: i64,
    transaction_count: i64,
}

/// Totals since the beginning.
#[utoipa::path(get, path = "/stats", operation_id = "wallet_stats", tag = "wallet",
    security(("bearer" = []), ("cookie" = [])),
    params(("min_position" = Option<i64>, Query, description = "Wait for this journal position")),
    responses((status = 200, body = Stats), (status = 401, description = "`unauthorized`"),
        (status = 503, description = "`not_yet_visible`")))]
async fn stats(
    customer: Customer,
    State(pool): State<PgPool>,
    State(visibility): State<Visibility>,
    min: MinPosition,
) -> Result<Json<Stats>, Problem> {
    visibility.wait("wallets", min).await?;
    let wallet = wallets::of_account(&pool, customer.account).await?;
    Ok(Json(wallet.map_or_else(Stats::default, |wallet| Stats {
        current_balance: wallet.available,
        total_earned: wallet.gifted + wallet.purchased,
        total_spent: wallet.spent,
        total_refunded: wallet.refunded,
        transaction_count: wallet.entries,
    })))
}
