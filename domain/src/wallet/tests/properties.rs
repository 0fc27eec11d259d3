use super::{capture, grant, reserve, settle};
use crate::fixtures::CUSTOMER;
use crate::laws::{Lawful, play};
use crate::wallet::{Wallet, WalletCommand, WalletEvent};
use crate::{Command, Event};
use proptest::prelude::*;
use std::collections::BTreeSet;

impl Lawful for Wallet {
    fn command(command: WalletCommand) -> Command {
        Command::Wallet { id: CUSTOMER, command }
    }

    fn event(event: WalletEvent) -> Event {
        Event::Wallet(event)
    }
}

fn credits() -> impl Strategy<Value = u32> {
    prop_oneof![9 => 0..150u32, 1 => any::<u32>()]
}

fn commands() -> impl Strategy<Value = Vec<WalletCommand>> {
    let delivered = prop::collection::vec((0..4u8, credits()), 0..6);
    let command = prop_oneof![
        (0..6u8, credits()).prop_map(|(n, credits)| grant(&format!("grant-{n}"), credits)),
        (0..4u128, credits()).prop_map(|(n, credits)| reserve(n, credits)),
        (0..4u128, 0..4u8, credits()).prop_map(|(n, index, credits)| capture(n, index, credits)),
        (0..4u128, delivered).prop_map(|(n, delivered)| settle(n, &delivered)),
    ];
    prop::collection::vec(command, 0..40)
}

proptest! {
    #[test]
    fn no_credit_is_made_or_lost(commands in commands()) {
        let (wallet, history) = play::<Wallet>(commands);
        let (mut granted, mut captured) = (0u64, 0u64);
        for event in &history {
            match event {
                WalletEvent::Granted { credits, .. } => granted += u64::from(*credits),
                WalletEvent::Captured { credits, .. } => captured += u64::from(*credits),
                WalletEvent::Reserved { .. } | WalletEvent::Released { .. } => {}
            }
        }
        let left: u64 = wallet.reservations.values().map(|reservation| u64::from(reservation.left)).sum();
        prop_assert_eq!(wallet.available + left + captured, granted);
    }

    #[test]
    fn every_reference_job_and_picture_counts_once(commands in commands()) {
        let (_, history) = play::<Wallet>(commands);
        let mut seen = BTreeSet::new();
        for event in history {
            let what = match event {
                WalletEvent::Granted { reference, .. } => format!("granted {reference}"),
                WalletEvent::Reserved { job, .. } => format!("reserved {job}"),
                WalletEvent::Captured { job, index, .. } => format!("captured {job} {index}"),
                WalletEvent::Released { job, .. } => format!("released {job}"),
            };
            prop_assert!(seen.insert(what.clone()), "twice: {}", what);
        }
    }
}
