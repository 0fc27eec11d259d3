//! What each flow answers to each event that matters to it: the table, seen from outside.

use super::{ALL, Flow, Heard, Timing, account_mail, ai_generation, checkout, order_mail, welcome};
use crate::action::{Action, Call};
use domain::account::Verification;
use domain::payment::Captured;
use domain::wallet::Delivered;
use domain::{
    AccountEvent, AccountId, AiJobEvent, AiJobId, Command, DraftCommand, DraftId, Envelope, Event, Money,
    OrderCommand, OrderEvent, OrderId, PaymentCommand, PaymentEvent, PaymentId, WalletCommand,
};
use std::collections::BTreeMap;
use std::time::Duration;
use time::macros::datetime;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(7);
const ORDER: OrderId = OrderId(Uuid::from_u128(8));
const CUSTOMER: AccountId = AccountId(Uuid::from_u128(9));
const DRAFT: DraftId = DraftId(Uuid::from_u128(10));

fn react(flow: Flow, event: &Event) -> Vec<Action> {
    (flow.react)(Heard { aggregate: ID, event }, &Timing::default())
}

#[test]
fn a_callback_only_makes_us_ask_the_provider() {
    let event =
        Event::Payment(PaymentEvent::CallbackReceived { source: domain::payment::CallbackSource::Browser });
    let payment = PaymentId(ID);
    assert_eq!(react(checkout::FLOW, &event), [Action::call(Call::VerifyPayment { payment })]);
}

#[test]
fn an_open_payment_is_asked_about_again_and_again_but_not_for_ever() {
    let timing = Timing::default();
    let mut total = Duration::ZERO;
    for round in 1..=timing.payment_check_rounds {
        let event = Event::Payment(PaymentEvent::CheckDue { round });
        let actions = react(checkout::FLOW, &event);
        assert_eq!(actions[0], Action::call(Call::VerifyPayment { payment: PaymentId(ID) }));
        match actions.get(1) {
            Some(Action::After { delay, command }) => {
                total += *delay;
                let next = PaymentCommand::CheckDue { round: round + 1 };
                assert_eq!(*command, Command::Payment { id: PaymentId(ID), command: next });
            }
            other => assert_eq!((other, round), (None, timing.payment_check_rounds)),
        }
    }
    assert!(total >= Duration::from_hours(23), "a late payment is looked for through a whole day");
}

#[test]
fn money_goes_to_its_order_and_a_surplus_goes_back() {
    let captured =
        Captured { provider_payment_id: "17".into(), amount: Money::lira(24_900), lines: vec![], card: None };
    let event = Event::Payment(PaymentEvent::Captured { order: ORDER, captured });
    let command = OrderCommand::MarkPaid { payment: PaymentId(ID), amount: Money::lira(24_900) };
    assert_eq!(
        react(checkout::FLOW, &event),
        [Action::Do { command: Command::Order { id: ORDER, command } }]
    );

    let payment = PaymentId(Uuid::from_u128(11));
    let event = Event::Order(OrderEvent::SurplusReceived { payment, amount: Money::lira(24_900) });
    let command = PaymentCommand::RequestRefund { reason: "order_could_not_take_it".into() };
    assert_eq!(
        react(checkout::FLOW, &event),
        [Action::Do { command: Command::Payment { id: payment, command } }]
    );
}

#[test]
fn a_finished_job_settles_its_credits_and_frees_its_draft() {
    let delivered = vec![Delivered { index: 1, credits: 50 }];
    let event = Event::AiJob(AiJobEvent::Finished {
        draft: DRAFT,
        customer: CUSTOMER,
        delivered: delivered.clone(),
        failed: 1,
    });
    let job = AiJobId(ID);
    let settle = Command::Wallet { id: CUSTOMER, command: WalletCommand::Settle { job, delivered } };
    let end = Command::Draft { id: DRAFT, command: DraftCommand::EndGeneration { job, delivered: 1 } };
    assert_eq!(
        react(ai_generation::FLOW, &event),
        [Action::Do { command: settle }, Action::Do { command: end }]
    );
}

#[test]
fn a_new_account_is_mailed_and_a_proven_one_is_welcomed_once() {
    let verification = Verification { selector: ID, expires_at: datetime!(2026-11-24 12:00 UTC) };
    let event = Event::Account(AccountEvent::VerificationRequested { verification });
    let call = Call::MailVerification { account: AccountId(ID), selector: ID };
    assert_eq!(react(account_mail::FLOW, &event), [Action::call(call)]);
    assert_eq!(react(welcome::FLOW, &event), []);

    let verified = Event::Account(AccountEvent::EmailVerified { selector: ID });
    assert_eq!(react(account_mail::FLOW, &verified), []);
    assert_eq!(
        react(welcome::FLOW, &verified),
        react(welcome::FLOW, &verified),
        "a repeat asks for the same"
    );
    assert_eq!(react(welcome::FLOW, &verified).len(), 1);
}

#[test]
fn only_an_issued_invoice_is_mailed() {
    assert_eq!(react(order_mail::FLOW, &Event::Order(OrderEvent::Expired)), []);
}

#[test]
fn every_flow_has_its_own_name() {
    let mut names: Vec<_> = ALL.iter().map(|flow| flow.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len());
}

/// What a table answers must be heard: an event with a reaction and without an interest would be lost in silence.
#[test]
fn every_event_with_a_reaction_is_listened_to() {
    for golden in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/events")).unwrap() {
        let path = golden.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut parts = name.split('.');
        let (aggregate_type, event_type) = (parts.next().unwrap(), parts.next().unwrap());
        let envelope = Envelope {
            position: 1,
            aggregate_type: aggregate_type.into(),
            aggregate_id: ID.to_string(),
            sequence: 1,
            event_type: event_type.into(),
            event_version: "1".into(),
            payload: serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(),
            metadata: BTreeMap::new(),
            recorded_at: datetime!(2026-11-24 12:00 UTC),
        };
        let event = envelope.decode().unwrap();
        for flow in ALL {
            let listens = flow
                .interests
                .iter()
                .any(|one| one.aggregate_type == aggregate_type && one.event_type == event_type);
            let reacts = !react(flow, &event).is_empty();
            assert_eq!(listens, reacts, "{} and {name}", flow.name);
        }
    }
}
