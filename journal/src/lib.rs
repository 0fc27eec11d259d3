//! The journal: the one source of order, and what is kept beside it.
//!
//! | module | what it is |
//! |---|---|
//! | [`commands`] | the only door for writes: load, decide, commit |
//! | [`writer`] | one task per process that appends many commands in one call |
//! | [`read`] | everything downstream: pages by position, streams, look-ups, waking |
//! | [`leaf`] | the hash of each event, and the verification of all of them |
//! | [`checkpoint`] | how far each reader has come |
//! | [`owner`] | what may run only once in all processes |
//! | [`relay`] | journal → `JetStream` |
//! | [`inbox`], [`progress`] | what a flow has begun, finished and handled |
//! | [`roles`] | what somebody may do, from the journal to the tables |
//! | [`mac`] | codes that only this service can make |
//! | [`tables`] | plain tables: personal data, and what needs no history |
//! | [`timers`] | commands that are due later |
//! | [`dead_letters`] | steps that failed for good |
//! | [`health`] | who is behind, and what stands still |
//! | [`clock`], [`context`] | time and origin, given to everything else |
//! | [`mod@connect`], [`migrate`] | the way to the database |

pub mod checkpoint;
pub mod clock;
pub mod commands;
pub mod connect;
pub mod context;
pub mod dead_letters;
mod gather;
pub mod health;
pub mod inbox;
pub mod leaf;
mod load;
pub mod mac;
pub mod migrate;
pub mod owner;
mod prepare;
pub mod progress;
pub mod read;
pub mod relay;
pub mod roles;
mod states;
pub mod tables;
pub mod timers;
mod turns;
mod unit;
pub mod writer;

pub use clock::Clock;
pub use commands::{CommandError, Commands, Committed};
pub use connect::{ConnectOptions, connect};
pub use context::{Claim, Context, IdempotencyRecord, Rider, Seen};
pub use load::LoadError;
pub use prepare::PrepareError;
pub use read::Wake;
pub use states::StateCache;
pub use writer::may_pass;
