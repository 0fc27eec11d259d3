//! What the system tests stand on: private servers, a whole stack, faults, and waiting for conditions.
//!
//! One PostgreSQL per test process, one database per test; one NATS per test. Nothing is shared between tests
//! but the cluster, nothing is left behind.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    reason = "a test that cannot be set up must fail at once, and say where to look"
)]

pub mod cluster;
pub mod door;
mod doubler;
mod faults;
pub mod process;
pub mod serve;
mod servers;
mod sound;
mod stack;
mod wait;
pub mod wire;
mod world;

pub use doubler::Doubler;
pub use faults::{Fault, each_call_failing_once};
pub use servers::{TestDatabase, TestNats, binaries, database, nats};
pub use sound::{Sound, assert_sound, assert_sound_with};
pub use stack::{TestStack, quick};
pub use wait::{LIMIT, eventually, eventually_within};
pub use world::World;
