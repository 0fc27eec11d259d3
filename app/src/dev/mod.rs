//! The local servers of `polikrami dev` and of the tests: `PostgreSQL` and NATS, fetched, private, loopback only.
//!
//! - [`fetch`]: the two pinned servers, unpacked once beneath the state directory.
//! - [`account`]: who `PostgreSQL` runs as when we are root, and where that account can reach files.
//! - [`process`]: a server as a child that cannot outlive us, not even when we are killed.
//! - [`port`]: free loopback ports.
//! - [`postgres`], [`nats`]: one server each: start, stop, kill, start again.
//! - [`state`]: what lies in `.polikrami/`: the lock, wiping, `endpoints.json`, throw-away directories.
//! - [`servers`]: both servers on one state directory.

pub mod account;
mod error;
pub mod fetch;
pub mod nats;
pub mod port;
pub mod postgres;
pub mod process;
pub mod servers;
pub mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use error::DevError;
pub use fetch::ServerBinaries;
pub use nats::{Nats, NatsOptions};
pub use postgres::{Postgres, PostgresOptions};
pub use servers::{LocalServers, Which};
pub use state::{Endpoints, Login, Logins, StateDir};

/// Where lines such as "Starting NATS" go.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// A [`Progress`] that says nothing.
pub fn quiet() -> Progress {
    Arc::new(|_| ())
}
