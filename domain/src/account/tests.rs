use super::{Account, AccountCommand, AccountEvent, AccountRefusal, Role, Verification};
use crate::fixtures::{given, minute};
use uuid::Uuid;

mod passwords;
mod properties;

/// The link number `n`, good for an hour.
fn link(n: u128) -> Verification {
    Verification { selector: Uuid::from_u128(n), expires_at: minute(60) }
}

fn register(role: Role, revenue_share: bool, verification: Verification) -> AccountCommand {
    AccountCommand::Register {
        role,
        terms_version: "2026-10".into(),
        privacy_version: "2026-09".into(),
        revenue_share,
        verification,
    }
}

fn registered(role: Role, revenue_share: bool) -> AccountEvent {
    AccountEvent::Registered {
        role,
        terms_version: "2026-10".into(),
        privacy_version: "2026-09".into(),
        revenue_share,
        verification: link(1),
    }
}

fn unverified() -> Vec<AccountEvent> {
    vec![registered(Role::Customer, false)]
}

fn verified() -> Vec<AccountEvent> {
    vec![registered(Role::Customer, false), AccountEvent::EmailVerified { selector: link(1).selector }]
}

fn verify(n: u128, minutes: i64) -> AccountCommand {
    AccountCommand::VerifyEmail { selector: link(n).selector, at: minute(minutes) }
}

fn ask_again(n: u128) -> AccountCommand {
    AccountCommand::RequestVerification { verification: link(n) }
}

#[test]
fn a_customer_registers_without_a_revenue_share() {
    given::<Account>([])
        .when(register(Role::Customer, false, link(1)))
        .then_expect_events(vec![registered(Role::Customer, false)]);
}

#[test]
fn a_designer_must_accept_the_revenue_share() {
    given::<Account>([])
        .when(register(Role::Designer, false, link(1)))
        .then_expect_error(AccountRefusal::RevenueShareRequired);
    given::<Account>([])
        .when(register(Role::Designer, true, link(1)))
        .then_expect_events(vec![registered(Role::Designer, true)]);
}

#[test]
fn a_repeated_registration_changes_nothing() {
    given::<Account>(unverified()).when(register(Role::Customer, false, link(1))).then_expect_events(vec![]);
}

#[test]
fn a_registered_account_refuses_another_registration() {
    for history in [unverified(), verified()] {
        given::<Account>(history)
            .when(register(Role::Customer, false, link(2)))
            .then_expect_error(AccountRefusal::AlreadyRegistered);
    }
}

#[test]
fn an_unknown_account_has_nothing_to_verify() {
    given::<Account>([]).when(verify(1, 0)).then_expect_error(AccountRefusal::Unknown);
    given::<Account>([]).when(ask_again(1)).then_expect_error(AccountRefusal::Unknown);
}

#[test]
fn the_link_verifies_the_address() {
    given::<Account>(unverified())
        .when(verify(1, 59))
        .then_expect_events(vec![AccountEvent::EmailVerified { selector: link(1).selector }]);
}

#[test]
fn an_expired_link_is_refused_from_its_very_moment_on() {
    given::<Account>(unverified()).when(verify(1, 60)).then_expect_error(AccountRefusal::ExpiredVerification);
}

#[test]
fn a_foreign_link_is_refused_before_its_time_is_looked_at() {
    given::<Account>(unverified()).when(verify(2, 61)).then_expect_error(AccountRefusal::InvalidVerification);
}

#[test]
fn a_new_link_replaces_the_old_one() {
    let asked = AccountEvent::VerificationRequested { verification: link(2) };
    given::<Account>(unverified()).when(ask_again(2)).then_expect_events(vec![asked.clone()]);

    let history = [registered(Role::Customer, false), asked];
    given::<Account>(history.clone())
        .when(verify(1, 1))
        .then_expect_error(AccountRefusal::InvalidVerification);
    given::<Account>(history)
        .when(verify(2, 1))
        .then_expect_events(vec![AccountEvent::EmailVerified { selector: link(2).selector }]);
}

#[test]
fn asking_twice_for_the_same_link_changes_nothing() {
    given::<Account>(unverified()).when(ask_again(1)).then_expect_events(vec![]);
}

#[test]
fn a_verified_account_needs_no_new_link_and_does_not_say_so() {
    given::<Account>(verified()).when(ask_again(2)).then_expect_events(vec![]);
}

#[test]
fn a_used_link_works_again_even_after_its_time() {
    given::<Account>(verified()).when(verify(1, 90)).then_expect_events(vec![]);
}

#[test]
fn a_verified_account_refuses_another_link() {
    given::<Account>(verified()).when(verify(2, 0)).then_expect_error(AccountRefusal::InvalidVerification);
}
