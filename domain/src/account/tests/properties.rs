use super::{link, register, verify};
use crate::account::{Account, AccountCommand, AccountEvent, Proof, Role};
use crate::fixtures::{CUSTOMER, minute};
use crate::laws::{Lawful, play};
use crate::{Command, Event};
use proptest::prelude::*;
use uuid::Uuid;

impl Lawful for Account {
    fn command(command: AccountCommand) -> Command {
        Command::Account { id: CUSTOMER, command }
    }

    fn event(event: AccountEvent) -> Event {
        Event::Account(event)
    }
}

fn password_commands() -> impl Strategy<Value = AccountCommand> {
    prop_oneof![
        (10..14u128).prop_map(|n| AccountCommand::RequestPasswordReset { reset: link(n) }),
        (10..14u128, 0..120i64).prop_map(|(n, minutes)| AccountCommand::ResetPassword {
            selector: link(n).selector,
            at: minute(minutes)
        }),
        (20..24u128, prop_oneof![Just(0u128), 10..14u128, 20..24u128]).prop_map(|(new, old)| {
            let [credential, replaces] = [new, old].map(Uuid::from_u128);
            AccountCommand::ChangePassword { credential, replaces }
        }),
    ]
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
        4 => password_commands(),
        2 => (1..4u128, 0..120i64, any::<bool>()).prop_map(|(n, minutes, asks)| if asks {
            AccountCommand::RequestPhoneVerification { verification: link(n) }
        } else {
            AccountCommand::VerifyPhone { selector: link(n).selector, at: minute(minutes) }
        }),
        1 => (1..3u128).prop_map(|n| AccountCommand::ReportStolenSession { session: Uuid::from_u128(n) }),
        1 => prop_oneof![Just(Role::Customer), Just(Role::Admin)].prop_map(|role| AccountCommand::GrantRole { role, reason: String::new() }),
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
        let proven = state.registered().is_some_and(|person| matches!(person.email, Proof::Proven { .. }));
        prop_assert_eq!(verified == 1, proven);
    }

    #[test]
    fn each_new_password_replaces_the_one_before_it(commands in commands()) {
        let (state, history) = play::<Account>(commands);
        let mut current = Uuid::nil();
        for event in history {
            if let AccountEvent::PasswordReset { selector: new, replaces }
            | AccountEvent::PasswordChanged { credential: new, replaces } = event
            {
                prop_assert_eq!(replaces, current);
                current = new;
            }
        }
        prop_assert_eq!(state.registered().map_or(Uuid::nil(), |person| person.credential), current);
    }
}
