//! A new account gets the mail that proves its address; so does everyone who asks for it again.

use super::{Flow, Heard, Timing, on};
use crate::action::{Action, Call};
use domain::{AccountEvent, AccountId, Event};

pub const FLOW: Flow = Flow {
    name: "account_mail",
    interests: &[on("account", "registered"), on("account", "verification_requested")],
    react,
};

fn react(heard: Heard<'_>, _: &Timing) -> Vec<Action> {
    let Event::Account(event) = heard.event else { return vec![] };
    match event {
        AccountEvent::Registered { verification, .. }
        | AccountEvent::VerificationRequested { verification } => {
            let account = AccountId(heard.aggregate);
            vec![Action::call(Call::MailVerification { account, selector: verification.selector })]
        }
        AccountEvent::EmailVerified { .. } => vec![],
    }
}
