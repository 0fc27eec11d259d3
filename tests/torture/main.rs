//! The journal under attack: slow and late committers, killed servers, torn stores, altered rows.
//!
//! `./test torture --seed N --rounds N` runs it at length and replays a run; `./test` runs a short form of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails at once, its futures run alone, and its counts are for people"
)]

pub use harness;

mod altered;
mod batch;
mod bystanders;
mod chaos;
mod checkpoint;
mod child;
mod cut;
mod followers;
mod frozen;
mod gaps;
mod held;
mod late;
mod load;
mod oracle;
mod plan;
mod processes;
mod proxy;
mod readers;
mod rebuild;
mod restored;
