//! The journal under attack: slow and late committers, killed servers, torn stores, altered rows.
//!
//! `./test torture --seed N --rounds N` runs it at length and replays a run; `./test` runs a short form of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::large_futures,
    reason = "a test fails at once, and its futures run alone"
)]

pub use harness;

mod chaos;
mod checkpoint;
mod plan;
