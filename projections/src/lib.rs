//! Read models: tables in the schema `read` whose every row follows from the journal.
//!
//! | file | what it is |
//! |---|---|
//! | [`model`] | the trait [`Projection`], and its erased form for the list [`ALL`] |
//! | [`orders`], [`payments`], [`invoices`], [`ai_jobs`], [`wallets`], [`wallet_entries`], [`drafts`] | one read model each: row, fold, queries |
//! | [`current`] | one row as the journal has it this moment, for the answer to a command |
//! | [`runner`], `live.rs`, `kept.rs` | keeps all of them up to date; a page into the live tables; rows written lately |
//! | `page.rs`, `decode.rs`, `fold.rs`, `table.rs` | a page of the journal, decoded, folded by key, and written |
//! | [`mod@rebuild`], `generation/` | a read model built anew beside the live one, compared, switched to, and back |
//! | [`status`], [`skip()`] | positions, lag, where a read model stopped; events that an operator left out |

pub mod ai_jobs;
mod current;
mod decode;
pub mod drafts;
mod fold;
mod generation;
pub mod invoices;
mod kept;
mod live;
pub mod model;
pub mod orders;
mod page;
pub mod payments;
pub mod rebuild;
pub mod runner;
mod skips;
pub mod status;
mod table;
#[cfg(test)]
mod tests;
pub mod wallet_entries;
pub mod wallets;

pub use current::{CurrentError, current, current_seen};
pub use generation::compare::{Comparison, Difference};
pub use generation::record::{Second, Stage};
pub use model::{Place, Projection, ReadModel};
pub use rebuild::{
    Differences, Options, Outcome, Pace, RebuildError, Rebuilt, Verified, compare, discard, rebuild,
    rebuild_all, rebuild_outdated, rebuild_with, switch, switch_back, verify, verify_at,
};
pub use runner::{run, run_announcing};
pub use skips::{Skip, SkipError, skip, skips};
pub use status::{State, Status, resume, status};

/// Every read model. A new one is added here and nowhere else.
pub const ALL: &[ReadModel] = &[
    ReadModel::of::<orders::Orders>(),
    ReadModel::of::<payments::Payments>(),
    ReadModel::of::<invoices::Invoices>(),
    ReadModel::of::<ai_jobs::AiJobs>(),
    ReadModel::of::<wallets::Wallets>(),
    ReadModel::of::<wallet_entries::WalletEntries>(),
    ReadModel::of::<drafts::Drafts>(),
];

/// The part of a list that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    pub limit: i64,
    pub offset: i64,
}

/// A part of a list, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    pub items: Vec<T>,
    pub total: i64,
}
