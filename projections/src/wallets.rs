//! Balances of credits, and the totals that the statistics show.

use crate::model::{Place, Projection};
use cqrs_es::Aggregate;
use domain::wallet::{GrantKind, Wallet};
use domain::{AccountId, Event, WalletEvent};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletRow {
    pub account_id: AccountId,
    /// What can be spent now: the sum of all entries.
    pub available: i64,
    /// Taken for pictures that are still being made.
    pub reserved: i64,
    pub gifted: i64,
    pub purchased: i64,
    /// All that was ever taken, also what came back later.
    pub spent: i64,
    pub refunded: i64,
    /// Rows of [`crate::wallet_entries`].
    pub entries: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

pub struct Wallets;

impl Projection for Wallets {
    const NAME: &'static str = "wallets";
    const VERSION: i32 = 1;
    const AGGREGATES: &'static [&'static str] = &[Wallet::TYPE];
    const KEY: (&'static str, &'static str) = ("account_id", "uuid");
    const COLUMNS: &'static [&'static str] = &[
        "account_id",
        "available",
        "reserved",
        "gifted",
        "purchased",
        "spent",
        "refunded",
        "entries",
        "updated_at",
    ];
    type Row = WalletRow;

    fn key(place: &Place, event: &Event) -> Option<String> {
        matches!(event, Event::Wallet(_)).then(|| place.aggregate_id.clone())
    }

    fn fold(row: Option<WalletRow>, place: &Place, event: &Event) -> Option<WalletRow> {
        let Event::Wallet(event) = event else { return row };
        let account_id = place.aggregate_id.parse().ok()?;
        let mut row = row.unwrap_or_else(|| WalletRow::empty(account_id, place.recorded_at));
        row.updated_at = place.recorded_at;
        match event {
            WalletEvent::Granted { credits, kind, .. } => {
                let total = match kind {
                    GrantKind::Gift => &mut row.gifted,
                    GrantKind::Purchase => &mut row.purchased,
                };
                *total += i64::from(*credits);
                row.available += i64::from(*credits);
                row.entries += 1;
            }
            WalletEvent::Reserved { credits, .. } => {
                row.available -= i64::from(*credits);
                row.reserved += i64::from(*credits);
                row.spent += i64::from(*credits);
                row.entries += 1;
            }
            WalletEvent::Captured { credits, .. } => row.reserved -= i64::from(*credits),
            WalletEvent::Released { credits, .. } => {
                row.available += i64::from(*credits);
                row.reserved -= i64::from(*credits);
                row.refunded += i64::from(*credits);
                row.entries += i64::from(*credits > 0);
            }
        }
        Some(row)
    }
}

impl WalletRow {
    /// The wallet of somebody who never had a credit.
    pub fn empty(account_id: AccountId, at: OffsetDateTime) -> Self {
        Self {
            account_id,
            available: 0,
            reserved: 0,
            gifted: 0,
            purchased: 0,
            spent: 0,
            refunded: 0,
            entries: 0,
            updated_at: at,
        }
    }
}

/// The wallet of an account; none until its first entry.
pub async fn of_account(
    executor: impl PgExecutor<'_>,
    account: AccountId,
) -> Result<Option<WalletRow>, sqlx::Error> {
    let row: Option<Json<WalletRow>> =
        sqlx::query_scalar("SELECT to_jsonb(w) FROM read.wallets w WHERE w.account_id = $1")
            .bind(account.0)
            .fetch_optional(executor)
            .await?;
    Ok(row.map(|Json(row)| row))
}
