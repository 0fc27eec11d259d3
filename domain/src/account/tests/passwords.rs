use super::{link, unverified, verified};
use crate::account::{
    Account, AccountCommand, AccountEvent, AccountRefusal, RESETS_KEPT, Role, Verification,
};
use crate::fixtures::{given, minute};
use uuid::Uuid;

fn asked(n: u128) -> AccountEvent {
    AccountEvent::PasswordResetRequested { reset: link(n) }
}

fn reset(n: u128, minutes: i64) -> AccountCommand {
    AccountCommand::ResetPassword { selector: link(n).selector, at: minute(minutes) }
}

fn was_reset(n: u128, replaces: u128) -> AccountEvent {
    AccountEvent::PasswordReset { selector: link(n).selector, replaces: Uuid::from_u128(replaces) }
}

fn change(credential: u128, replaces: u128) -> AccountCommand {
    let [credential, replaces] = [credential, replaces].map(Uuid::from_u128);
    AccountCommand::ChangePassword { credential, replaces }
}

fn with(events: impl IntoIterator<Item = AccountEvent>) -> Vec<AccountEvent> {
    unverified().into_iter().chain(events).collect()
}

#[test]
fn an_unknown_account_has_no_password() {
    let ask = AccountCommand::RequestPasswordReset { reset: link(2) };
    given::<Account>([]).when(ask).then_expect_error(AccountRefusal::Unknown);
    given::<Account>([]).when(change(2, 0)).then_expect_error(AccountRefusal::Unknown);
}

#[test]
fn a_mailed_reset_is_good_once_and_before_its_end() {
    given::<Account>(with([asked(2)])).when(reset(2, 59)).then_expect_events(vec![was_reset(2, 0)]);
    given::<Account>(with([asked(2)])).when(reset(2, 60)).then_expect_error(AccountRefusal::ExpiredReset);
    given::<Account>(with([asked(2)])).when(reset(3, 1)).then_expect_error(AccountRefusal::InvalidReset);
    let used = with([asked(2), was_reset(2, 0), asked(3), was_reset(3, 2)]);
    given::<Account>(used).when(reset(2, 1)).then_expect_error(AccountRefusal::InvalidReset);
}

#[test]
fn a_repeated_reset_changes_nothing() {
    let used = with([asked(2), was_reset(2, 0)]);
    given::<Account>(used.clone()).when(reset(2, 90)).then_expect_events(vec![]);
    let again = AccountCommand::RequestPasswordReset { reset: link(2) };
    given::<Account>(used).when(again).then_expect_events(vec![]);
}

#[test]
fn whoever_asks_for_another_mail_ends_none_that_is_still_read() {
    let last = 2 + RESETS_KEPT as u128;
    let history = with((2..last).map(asked));
    given::<Account>(history.clone()).when(reset(2, 1)).then_expect_events(vec![was_reset(2, 0)]);
    let one_more = history.into_iter().chain([asked(last)]);
    given::<Account>(one_more).when(reset(2, 1)).then_expect_error(AccountRefusal::InvalidReset);
}

#[test]
fn a_new_password_ends_all_mails_that_could_set_another() {
    let used = with([asked(2), asked(3), was_reset(3, 0)]);
    given::<Account>(used).when(reset(2, 1)).then_expect_error(AccountRefusal::InvalidReset);
    let [credential, replaces] = [9, 0].map(Uuid::from_u128);
    let changed = with([asked(2), AccountEvent::PasswordChanged { credential, replaces }]);
    given::<Account>(changed).when(reset(2, 1)).then_expect_error(AccountRefusal::InvalidReset);
}

#[test]
fn of_two_who_change_the_same_password_one_is_refused() {
    let [credential, replaces] = [9, 0].map(Uuid::from_u128);
    let changed = AccountEvent::PasswordChanged { credential, replaces };
    given::<Account>(verified()).when(change(9, 0)).then_expect_events(vec![changed.clone()]);
    given::<Account>(with([changed.clone()])).when(change(9, 0)).then_expect_events(vec![]);
    given::<Account>(with([changed]))
        .when(change(8, 0))
        .then_expect_error(AccountRefusal::PasswordChangedMeanwhile);
}

#[test]
fn a_role_is_granted_once() {
    let grant = |role| AccountCommand::GrantRole { role, reason: "runs the shop".into() };
    let granted = AccountEvent::RoleGranted { role: Role::Admin, reason: "runs the shop".into() };
    given::<Account>(verified()).when(grant(Role::Admin)).then_expect_events(vec![granted.clone()]);
    given::<Account>(with([granted])).when(grant(Role::Admin)).then_expect_events(vec![]);
    given::<Account>(verified()).when(grant(Role::Customer)).then_expect_events(vec![]);
}

#[test]
fn a_stolen_session_is_told_once() {
    let session = Uuid::from_u128(5);
    let report = AccountCommand::ReportStolenSession { session };
    let stolen = AccountEvent::SessionStolen { session };
    given::<Account>(verified()).when(report.clone()).then_expect_events(vec![stolen.clone()]);
    given::<Account>(with([stolen])).when(report).then_expect_events(vec![]);
}

#[test]
fn a_phone_is_proven_by_the_newest_code_alone() {
    let wanted = |n| AccountEvent::PhoneVerificationRequested { verification: link(n) };
    let code = |n, minutes| AccountCommand::VerifyPhone { selector: link(n).selector, at: minute(minutes) };
    let proven = AccountEvent::PhoneVerified { selector: link(3).selector };
    let asked = with([wanted(2), wanted(3)]);
    given::<Account>(asked.clone()).when(code(3, 59)).then_expect_events(vec![proven.clone()]);
    given::<Account>(asked.clone()).when(code(3, 60)).then_expect_error(AccountRefusal::ExpiredPhoneCode);
    given::<Account>(asked.clone()).when(code(2, 1)).then_expect_error(AccountRefusal::InvalidPhoneCode);
    given::<Account>(unverified()).when(code(2, 1)).then_expect_error(AccountRefusal::InvalidPhoneCode);
    let done: Vec<_> = asked.into_iter().chain([proven]).collect();
    given::<Account>(done.clone()).when(code(3, 90)).then_expect_events(vec![]);
    let Verification { selector, .. } = link(4);
    let another = AccountCommand::RequestPhoneVerification { verification: link(4) };
    given::<Account>(done).when(another).then_expect_events(vec![AccountEvent::PhoneVerificationRequested {
        verification: Verification { selector, expires_at: minute(60) },
    }]);
}
