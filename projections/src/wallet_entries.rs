//! The history of each wallet.
//!
//! The entries of an account add up to what it can spend. So a reservation is a `spend` at the moment it is made,
//! what it does not use comes back as a `refund`, and capturing a part of it, which moves nothing that could be
//! spent, has no entry; nor has a release of nothing.

use crate::model::{Place, Projection};
use crate::{Listed, Slice};
use cqrs_es::Aggregate;
use domain::wallet::{GrantKind, Wallet};
use domain::{AccountId, Event, WalletEvent};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Gift,
    Purchase,
    Spend,
    Refund,
}

impl EntryKind {
    fn text(self) -> &'static str {
        match self {
            Self::Gift => "gift",
            Self::Purchase => "purchase",
            Self::Spend => "spend",
            Self::Refund => "refund",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletEntryRow {
    /// Of the event, so it is unique and in order.
    pub position: i64,
    pub account_id: AccountId,
    pub kind: EntryKind,
    pub delta: i64,
    /// The job of a spend or refund; what a grant was for.
    pub reference: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

pub struct WalletEntries;

impl Projection for WalletEntries {
    const NAME: &'static str = "wallet_entries";
    const VERSION: i32 = 1;
    const AGGREGATES: &'static [&'static str] = &[Wallet::TYPE];
    const KEY: (&'static str, &'static str) = ("position", "bigint");
    const COLUMNS: &'static [&'static str] =
        &["position", "account_id", "kind", "delta", "reference", "created_at"];
    type Row = WalletEntryRow;

    fn key(place: &Place, event: &Event) -> Option<String> {
        entry(event).map(|_| place.position.to_string())
    }

    fn opens(event: &Event) -> bool {
        entry(event).is_some()
    }

    fn fold(row: Option<WalletEntryRow>, place: &Place, event: &Event) -> Option<WalletEntryRow> {
        let Some((kind, delta, reference)) = entry(event) else { return row };
        Some(WalletEntryRow {
            position: place.position,
            account_id: place.aggregate_id.parse().ok()?,
            kind,
            delta,
            reference,
            created_at: place.recorded_at,
        })
    }
}

fn entry(event: &Event) -> Option<(EntryKind, i64, String)> {
    let Event::Wallet(event) = event else { return None };
    match event {
        WalletEvent::Granted { reference, credits, kind } => {
            let kind = match kind {
                GrantKind::Gift => EntryKind::Gift,
                GrantKind::Purchase => EntryKind::Purchase,
            };
            Some((kind, i64::from(*credits), reference.clone()))
        }
        WalletEvent::Reserved { job, credits } => {
            Some((EntryKind::Spend, -i64::from(*credits), job.to_string()))
        }
        WalletEvent::Captured { .. } | WalletEvent::Released { credits: 0, .. } => None,
        WalletEvent::Released { job, credits } => {
            Some((EntryKind::Refund, i64::from(*credits), job.to_string()))
        }
    }
}

/// The history of an account, newest first; of one kind, or of all.
pub async fn of_account(
    executor: impl PgExecutor<'_> + Copy,
    account: AccountId,
    kind: Option<EntryKind>,
    slice: Slice,
) -> Result<Listed<WalletEntryRow>, sqlx::Error> {
    let rows: Vec<Json<WalletEntryRow>> = sqlx::query_scalar(
        "SELECT to_jsonb(e) FROM read.wallet_entries e WHERE e.account_id = $1 AND ($2 IS NULL OR e.kind = $2) \
         ORDER BY e.position DESC LIMIT $3 OFFSET $4",
    )
    .bind(account.0)
    .bind(kind.map(EntryKind::text))
    .bind(slice.limit)
    .bind(slice.offset)
    .fetch_all(executor)
    .await?;
    let total = count_of_account(executor, account, kind).await?;
    Ok(Listed { items: rows.into_iter().map(|Json(row)| row).collect(), total })
}

async fn count_of_account(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    kind: Option<EntryKind>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM read.wallet_entries WHERE account_id = $1 AND ($2 IS NULL OR kind = $2)",
    )
    .bind(account.0)
    .bind(kind.map(EntryKind::text))
    .fetch_one(executor)
    .await
}
