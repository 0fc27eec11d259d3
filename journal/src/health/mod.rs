//! What the journal can say about itself: who is behind its head, what was begun and not finished, what failed.
//!
//! Read only, against the database's own clock, and bounded, so that it can be asked every few seconds. Lag is
//! the age of the first event that a reader has not handled: a task that is alive and does nothing shows.
//!
//! | file | what it is |
//! |---|---|
//! | `readers.rs` | who reads every event: read models, relay, seals |
//! | `flows.rs` | what each flow has heard, and what it has begun |
//! | `steps.rs` | dead letters and timers |

mod flows;
mod readers;
mod steps;

pub use flows::{Flow, Intent, flow, intents};
pub use readers::{Owner, Reader, owners, readers};
pub use steps::{Letters, Timers, letters, timers};
