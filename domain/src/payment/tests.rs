use super::{
    CALLBACKS_RECORDED_MAX, CallbackSource, Captured, CapturedLine, Payment, PaymentCommand, PaymentEvent,
    PaymentRefusal, Provider, Request,
};
use crate::Money;
use crate::fixtures::{CUSTOMER, ORDER, TOTAL, given, lines, minute, personal};

mod money;
mod properties;

fn asked() -> Request {
    Request {
        order: ORDER,
        order_number: "CP-20261124-7K3M9QXZ".into(),
        customer: CUSTOMER,
        provider: Provider::Iyzico,
        amount: TOTAL,
        lines: lines(),
        shipping: personal(1),
        billing: personal(2),
        buyer: personal(3),
    }
}

fn requested() -> PaymentEvent {
    PaymentEvent::Requested { request: asked() }
}

fn checkout(token: &str) -> PaymentCommand {
    PaymentCommand::RecordCheckout { token_digest: token.into(), expires_at: minute(30) }
}

fn opened(token: &str) -> PaymentEvent {
    PaymentEvent::CheckoutOpened { order: ORDER, token_digest: token.into(), expires_at: minute(30) }
}

fn callback() -> PaymentCommand {
    PaymentCommand::ReceiveCallback { source: CallbackSource::Browser }
}

fn called_back() -> PaymentEvent {
    PaymentEvent::CallbackReceived { source: CallbackSource::Browser }
}

fn check(round: u32) -> PaymentCommand {
    PaymentCommand::CheckDue { round }
}

fn due(round: u32) -> PaymentEvent {
    PaymentEvent::CheckDue { round }
}

/// The provider's payment `id` over `amount`.
fn money(id: &str, amount: Money) -> Captured {
    let line = CapturedLine { line: "cover".into(), transaction_id: format!("{id}-1"), paid: amount };
    Captured {
        provider_payment_id: id.into(),
        amount,
        lines: vec![line],
        card: Some("MASTER_CARD 0008".into()),
    }
}

fn capture(id: &str) -> PaymentCommand {
    PaymentCommand::Capture(money(id, TOTAL))
}

fn captured(id: &str) -> PaymentEvent {
    PaymentEvent::Captured { order: ORDER, captured: money(id, TOTAL) }
}

fn fail() -> PaymentCommand {
    PaymentCommand::Fail { code: "10051".into() }
}

fn failed() -> PaymentEvent {
    PaymentEvent::Failed { order: ORDER, code: "10051".into() }
}

fn hold(reason: &str) -> PaymentCommand {
    PaymentCommand::HoldForReview { reason: reason.into(), provider_payment_id: Some("p-1".into()) }
}

fn held(reason: &str) -> PaymentEvent {
    let (reason, provider_payment_id) = (reason.into(), Some("p-1".into()));
    PaymentEvent::HeldForReview { order: ORDER, reason, provider_payment_id }
}

fn refund() -> PaymentCommand {
    PaymentCommand::RequestRefund { reason: "order_could_not_take_it".into() }
}

fn refund_requested() -> PaymentEvent {
    PaymentEvent::RefundRequested { order: ORDER, reason: "order_could_not_take_it".into() }
}

fn record_refund() -> PaymentCommand {
    PaymentCommand::RecordRefund { reference: "r-1".into() }
}

fn refunded() -> PaymentEvent {
    PaymentEvent::Refunded { order: ORDER, reference: "r-1".into() }
}

fn expired() -> PaymentEvent {
    PaymentEvent::Expired { order: ORDER }
}

fn open() -> Vec<PaymentEvent> {
    vec![requested(), opened("t-1")]
}

/// Every way in which an attempt ends without money.
fn closed() -> Vec<Vec<PaymentEvent>> {
    vec![
        vec![requested(), opened("t-1"), failed()],
        vec![requested(), opened("t-1"), expired()],
        vec![requested(), failed()],
    ]
}

/// The money came; then it was asked back; then it went back.
fn with_money() -> Vec<Vec<PaymentEvent>> {
    let captured = vec![requested(), opened("t-1"), captured("p-1")];
    let asked_back = [captured.clone(), vec![refund_requested()]].concat();
    let went_back = [asked_back.clone(), vec![refunded()]].concat();
    vec![captured, asked_back, went_back]
}

#[test]
fn a_payment_is_requested_once() {
    given::<Payment>([]).when(PaymentCommand::Request(asked())).then_expect_events(vec![requested()]);
    for history in [closed(), with_money(), vec![vec![requested()], open()]].concat() {
        given::<Payment>(history).when(PaymentCommand::Request(asked())).then_expect_events(vec![]);
    }
}

#[test]
fn a_taken_id_refuses_another_payment() {
    let mut other = asked();
    other.amount = Money::lira(1);
    for history in [closed(), with_money(), vec![vec![requested()], open()]].concat() {
        given::<Payment>(history)
            .when(PaymentCommand::Request(other.clone()))
            .then_expect_error(PaymentRefusal::AlreadyExists);
    }
}

#[test]
fn an_unknown_payment_is_not_found() {
    for command in [
        checkout("t-1"),
        callback(),
        check(1),
        capture("p-1"),
        fail(),
        hold("fraud_check"),
        PaymentCommand::Expire,
        refund(),
        record_refund(),
    ] {
        given::<Payment>([]).when(command).then_expect_error(PaymentRefusal::NotFound);
    }
}

#[test]
fn the_first_page_that_was_opened_stays() {
    given::<Payment>([requested()]).when(checkout("t-1")).then_expect_events(vec![opened("t-1")]);
    for token in ["t-1", "t-2"] {
        given::<Payment>(open()).when(checkout(token)).then_expect_events(vec![]);
    }
}

#[test]
fn a_closed_payment_opens_no_page() {
    for history in closed() {
        given::<Payment>(history).when(checkout("t-2")).then_expect_error(PaymentRefusal::Closed);
    }
}

#[test]
fn a_callback_is_recorded_whatever_the_payment_is_waiting_for() {
    let reviewed = [open(), vec![held("fraud_check")]].concat();
    for history in [closed(), vec![vec![requested()], open(), reviewed]].concat() {
        given::<Payment>(history).when(callback()).then_expect_events(vec![called_back()]);
    }
}

#[test]
fn callbacks_are_recorded_up_to_a_bound() {
    let calls = |n: u32| (0..n).map(|_| called_back()).collect::<Vec<_>>();
    given::<Payment>(open())
        .and(calls(CALLBACKS_RECORDED_MAX - 1))
        .when(callback())
        .then_expect_events(vec![called_back()]);
    given::<Payment>(open()).and(calls(CALLBACKS_RECORDED_MAX)).when(callback()).then_expect_events(vec![]);
}

#[test]
fn closing_a_payment_does_not_start_the_count_of_callbacks_again() {
    let calls = |n: u32| (0..n).map(|_| called_back()).collect::<Vec<_>>();
    given::<Payment>(open())
        .and(calls(CALLBACKS_RECORDED_MAX - 1))
        .and(vec![failed(), called_back()])
        .when(callback())
        .then_expect_events(vec![]);
}

#[test]
fn each_round_of_asking_the_provider_comes_once_and_in_order() {
    given::<Payment>(open()).when(check(1)).then_expect_events(vec![due(1)]);
    given::<Payment>(open()).and(vec![due(1)]).when(check(1)).then_expect_events(vec![]);
    given::<Payment>(open()).and(vec![due(1)]).when(check(2)).then_expect_events(vec![due(2)]);
    given::<Payment>(open()).and(vec![due(1), due(2)]).when(check(1)).then_expect_events(vec![]);
}

#[test]
fn a_closed_payment_is_still_asked_for_since_money_can_come_late() {
    for history in closed() {
        given::<Payment>(history.clone()).when(check(1)).then_expect_events(vec![due(1)]);
        given::<Payment>(history).and(vec![due(1)]).when(check(1)).then_expect_events(vec![]);
    }
}

#[test]
fn doubtful_money_for_a_closed_payment_is_held_once() {
    for history in closed() {
        let doubt = vec![held("mismatch:amount")];
        given::<Payment>(history.clone()).when(hold("mismatch:amount")).then_expect_events(doubt.clone());
        given::<Payment>(history).and(doubt).when(hold("mismatch:amount")).then_expect_events(vec![]);
    }
}

#[test]
fn late_news_find_a_payment_with_money_unchanged() {
    for history in with_money() {
        for late in [
            checkout("t-2"),
            callback(),
            check(9),
            fail(),
            hold("fraud_check"),
            PaymentCommand::Expire,
            refund_if_not_first(&history),
        ] {
            given::<Payment>(history.clone()).when(late).then_expect_events(vec![]);
        }
    }
}

/// Asking the money back a second time is late news as well.
fn refund_if_not_first(history: &[PaymentEvent]) -> PaymentCommand {
    if history.contains(&refund_requested()) { refund() } else { PaymentCommand::Expire }
}
