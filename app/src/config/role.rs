//! The work of one process.

use clap::ValueEnum;

/// All of it by default; spread it with `--only`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Answers HTTP.
    Api,
    /// Journal → JetStream.
    Relay,
    /// Reacts to events: payments, pictures, mail.
    Sagas,
    /// Keeps the read models.
    Projections,
    /// Fires what is due.
    Timers,
    /// Checks the hash of every event as it arrives.
    Seals,
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Api, Self::Relay, Self::Sagas, Self::Projections, Self::Timers, Self::Seals];
}
