//! What was decided about a login or a phone is brought to the tables that are looked at. The request that decided it does so
//! itself; this is for those that ended in between.

use super::{Flow, Heard, Timing, on};
use crate::action::{Action, Call};
use domain::{AccountEvent, AccountId, Event};

pub const FLOW: Flow = Flow {
    name: "logins",
    interests: &[
        on("account", "password_reset"),
        on("account", "password_changed"),
        on("account", "role_granted"),
        on("account", "phone_verified"),
    ],
    react,
};

fn react(heard: Heard<'_>, _: &Timing) -> Vec<Action> {
    let Event::Account(event) = heard.event else { return vec![] };
    let account = AccountId(heard.aggregate);
    let call = match *event {
        AccountEvent::PasswordReset { selector: credential, replaces }
        | AccountEvent::PasswordChanged { credential, replaces } => {
            Call::PutPasswordInForce { account, credential, replaces }
        }
        AccountEvent::RoleGranted { .. } => Call::PutRoleInForce { account },
        AccountEvent::PhoneVerified { selector } => Call::PutPhoneInForce { account, selector },
        AccountEvent::Registered { .. }
        | AccountEvent::VerificationRequested { .. }
        | AccountEvent::EmailVerified { .. }
        | AccountEvent::PhoneVerificationRequested { .. }
        | AccountEvent::PasswordResetRequested { .. }
        | AccountEvent::SessionStolen { .. } => return vec![],
    };
    vec![Action::call(call)]
}
