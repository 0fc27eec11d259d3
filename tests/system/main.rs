//! The service as a whole, over its own protocols, against real servers and simulated providers.

pub use harness;

mod callbacks;
mod journal_append;
mod journal_flows;
mod journal_integrity;
mod journal_recovery;
mod journal_relay;
mod journal_support;
mod killed;
mod road;
mod sagas;
