//! Whoever has proven an address gets the welcome credits, once.

use super::{Flow, Heard, Timing, on};
use crate::action::Action;
use domain::wallet::GrantKind;
use domain::{AccountEvent, AccountId, Command, Event, WalletCommand, prices};

pub const FLOW: Flow = Flow { name: "welcome", interests: &[on("account", "email_verified")], react };

fn react(heard: Heard<'_>, _: &Timing) -> Vec<Action> {
    let Event::Account(AccountEvent::EmailVerified { .. }) = heard.event else { return vec![] };
    let command = WalletCommand::Grant {
        reference: "welcome".into(),
        credits: prices::WELCOME_CREDITS,
        kind: GrantKind::Gift,
    };
    vec![Action::Do { command: Command::Wallet { id: AccountId(heard.aggregate), command } }]
}
