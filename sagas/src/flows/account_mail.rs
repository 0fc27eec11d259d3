//! What an account's owner is written: the link that proves the address, the code that proves a phone, the secrets of a
//! reset, and what might have been somebody else.

use super::{Flow, Heard, Timing, on};
use crate::action::{Action, Call};
use domain::{AccountEvent, AccountId, Event};

pub const FLOW: Flow = Flow {
    name: "account_mail",
    interests: &[
        on("account", "registered"),
        on("account", "verification_requested"),
        on("account", "password_reset_requested"),
        on("account", "password_reset"),
        on("account", "password_changed"),
        on("account", "session_stolen"),
        on("account", "phone_verification_requested"),
    ],
    react,
};

fn react(heard: Heard<'_>, _: &Timing) -> Vec<Action> {
    let Event::Account(event) = heard.event else { return vec![] };
    let account = AccountId(heard.aggregate);
    let call = match event {
        AccountEvent::Registered { verification, .. }
        | AccountEvent::VerificationRequested { verification } => {
            Call::MailVerification { account, selector: verification.selector }
        }
        AccountEvent::PasswordResetRequested { reset } => {
            Call::MailPasswordReset { account, selector: reset.selector }
        }
        AccountEvent::PasswordReset { .. } | AccountEvent::PasswordChanged { .. } => {
            Call::MailPasswordChanged { account }
        }
        AccountEvent::SessionStolen { .. } => Call::MailSessionStolen { account },
        AccountEvent::PhoneVerificationRequested { verification } => {
            Call::TextPhoneCode { account, selector: verification.selector }
        }
        AccountEvent::EmailVerified { .. }
        | AccountEvent::PhoneVerified { .. }
        | AccountEvent::RoleGranted { .. } => return vec![],
    };
    vec![Action::call(call)]
}
