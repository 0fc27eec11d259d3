use super::{link, register, verify};
use crate::account::{Account, AccountCommand, AccountEvent, Role};
use crate::fixtures::{CUSTOMER, minute};
use crate::laws::{Lawful, play};
use crate::{Command, Event};
use proptest::prelude::*;

impl Lawful for Account {
    fn command(command: AccountCommand) -> Command {
        Command::Account { id: CUSTOMER, command }
    }

    fn event(event: AccountEvent) -> Event {
        Event::Account(event)
    }
}

fn commands() -> impl Strategy<Value = Vec<AccountCommand>> {
    let role =
        prop_oneof![Just(Role::Customer), Just(Role::Designer), Just(Role::Admin), Just(Role::Auditor)];
    let command = prop_oneof![
        1 => (role, any::<bool>(), 1..4u128).prop_map(|(role, share, n)| register(role, share, link(n))),
        2 => (1..4u128, 0..120i64).prop_map(|(n, minutes)| {
            let mut verification = link(n);
            verification.expires_at = minute(minutes);
            AccountCommand::RequestVerification { verification }
        }),
        2 => (1..4u128, 0..120i64).prop_map(|(n, minutes)| verify(n, minutes)),
    ];
    prop::collection::vec(command, 0..20)
}

proptest! {
    #[test]
    fn an_account_registers_once_and_is_verified_once(commands in commands()) {
        let (state, history) = play::<Account>(commands);
        let of = |kind: fn(&AccountEvent) -> bool| history.iter().filter(|event| kind(event)).count();
        let registered = of(|event| matches!(event, AccountEvent::Registered { .. }));
        let verified = of(|event| matches!(event, AccountEvent::EmailVerified { .. }));
        prop_assert!(registered <= 1 && verified <= registered);
        prop_assert_eq!(registered == 0, state == Account::Unknown);
        prop_assert_eq!(verified == 1, matches!(state, Account::Verified { .. }));
    }
}
