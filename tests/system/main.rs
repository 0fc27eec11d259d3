//! The service as a whole, over its own protocols, against real servers and simulated providers.

#![expect(
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a test fails at once, and its futures run alone"
)]

pub use harness;
pub use harness::door as journal_support;

mod audit;
mod callbacks;
mod dead_letters;
mod dead_letters_support;
mod dead_letters_unreadable;
mod http_access;
mod http_access_table;
mod http_addresses;
mod http_caching;
mod http_csrf;
mod http_edge;
mod http_enumeration;
mod http_limits;
mod http_locations;
mod http_orders;
mod http_passwords;
mod http_phone;
mod http_phone_limits;
mod http_problems;
mod http_profile;
mod http_repeats;
mod http_session_records;
mod http_sessions;
mod http_slow;
mod http_stop;
mod journal_append;
mod journal_cost;
mod journal_flows;
mod journal_integrity;
mod journal_recovery;
mod journal_relay;
mod journal_states;
mod journal_stock;
mod killed;
mod road;
mod sagas;
mod status;
mod users;
