//! A person's credits. What is spent is first reserved, then captured per delivered picture; the rest returns.

mod command;
mod event;
#[cfg(test)]
mod tests;

pub use command::{Delivered, WalletCommand};
pub use event::WalletEvent;

use crate::{AiJobId, Decide};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Why credits were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    Gift,
    Purchase,
}

/// A reservation; kept after it is settled, so that a late repeat finds its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub reserved: u32,
    pub left: u32,
    /// Picture indexes already paid for.
    pub captured: BTreeSet<u8>,
    pub settled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wallet {
    /// Credits that can be spent now.
    pub available: u64,
    pub reservations: BTreeMap<AiJobId, Reservation>,
    pub grants: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalletRefusal {
    #[error("{missing} credits are missing")]
    InsufficientCredits { missing: u64 },
    #[error("a number of credits must be above zero")]
    NoCredits,
    #[error("this job has no reservation, or not enough of it is left")]
    NotReserved,
}

impl WalletRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::InsufficientCredits { .. } => "insufficient_credits",
            Self::NoCredits => "no_credits",
            Self::NotReserved => "credits_not_reserved",
        }
    }
}

aggregate!(Wallet, "wallet", WalletCommand, WalletEvent, WalletRefusal);

impl Decide for Wallet {
    fn evolve(&mut self, event: WalletEvent) {
        match event {
            WalletEvent::Granted { reference, credits, .. } => {
                self.available += u64::from(credits);
                self.grants.insert(reference);
            }
            WalletEvent::Reserved { job, credits } => {
                self.available -= u64::from(credits);
                let fresh = Reservation {
                    reserved: credits,
                    left: credits,
                    captured: BTreeSet::new(),
                    settled: false,
                };
                self.reservations.insert(job, fresh);
            }
            WalletEvent::Captured { job, index, credits } => {
                if let Some(reservation) = self.reservations.get_mut(&job) {
                    reservation.left -= credits;
                    reservation.captured.insert(index);
                }
            }
            WalletEvent::Released { job, credits } => {
                self.available += u64::from(credits);
                if let Some(reservation) = self.reservations.get_mut(&job) {
                    reservation.left = 0;
                    reservation.settled = true;
                }
            }
        }
    }

    fn decide(&self, command: WalletCommand) -> Result<Vec<WalletEvent>, WalletRefusal> {
        match command {
            WalletCommand::Grant { reference, .. } if self.grants.contains(&reference) => Ok(vec![]),
            WalletCommand::Grant { credits: 0, .. } | WalletCommand::Reserve { credits: 0, .. } => {
                Err(WalletRefusal::NoCredits)
            }
            WalletCommand::Grant { reference, credits, kind } => {
                Ok(vec![WalletEvent::Granted { reference, credits, kind }])
            }
            WalletCommand::Reserve { job, credits } => self.reserve(job, credits),
            WalletCommand::Capture { job, index, credits } => self.capture(job, index, credits),
            WalletCommand::Settle { job, delivered } => self.settle(job, &delivered),
        }
    }
}

impl Wallet {
    fn reserve(&self, job: AiJobId, credits: u32) -> Result<Vec<WalletEvent>, WalletRefusal> {
        if self.reservations.contains_key(&job) {
            return Ok(vec![]);
        }
        match u64::from(credits).checked_sub(self.available) {
            None | Some(0) => Ok(vec![WalletEvent::Reserved { job, credits }]),
            Some(missing) => Err(WalletRefusal::InsufficientCredits { missing }),
        }
    }

    fn capture(&self, job: AiJobId, index: u8, credits: u32) -> Result<Vec<WalletEvent>, WalletRefusal> {
        let reservation = self.reservations.get(&job).ok_or(WalletRefusal::NotReserved)?;
        if reservation.captured.contains(&index) {
            return Ok(vec![]);
        }
        if reservation.settled || reservation.left < credits {
            return Err(WalletRefusal::NotReserved);
        }
        Ok(vec![WalletEvent::Captured { job, index, credits }])
    }

    fn settle(&self, job: AiJobId, delivered: &[Delivered]) -> Result<Vec<WalletEvent>, WalletRefusal> {
        let reservation = self.reservations.get(&job).ok_or(WalletRefusal::NotReserved)?;
        if reservation.settled {
            return Ok(vec![]);
        }
        let mut left = reservation.left;
        let mut captured = reservation.captured.clone();
        let mut events = Vec::new();
        for Delivered { index, credits } in delivered {
            if captured.insert(*index) {
                left = left.checked_sub(*credits).ok_or(WalletRefusal::NotReserved)?;
                events.push(WalletEvent::Captured { job, index: *index, credits: *credits });
            }
        }
        events.push(WalletEvent::Released { job, credits: left });
        Ok(events)
    }
}
