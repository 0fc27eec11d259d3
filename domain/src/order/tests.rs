use super::{Line, LineKind, Order, OrderCommand, OrderEvent, OrderRefusal, Placement};
use crate::fixtures::{CUSTOMER, STRANGER, TOTAL, given, line, payment, placement};
use crate::{AccountId, Money};

mod invoices;
mod properties;
mod surplus;

fn placed() -> Vec<OrderEvent> {
    vec![OrderEvent::Placed { placement: placement() }]
}

fn paid() -> Vec<OrderEvent> {
    vec![OrderEvent::Placed { placement: placement() }, begun(1), paid_by(1)]
}

fn canceled() -> Vec<OrderEvent> {
    vec![OrderEvent::Placed { placement: placement() }, OrderEvent::Canceled { reason: None }]
}

fn expired() -> Vec<OrderEvent> {
    vec![OrderEvent::Placed { placement: placement() }, OrderEvent::Expired]
}

fn begin(n: u128) -> OrderCommand {
    begin_as(CUSTOMER, n, TOTAL)
}

fn begin_as(by: AccountId, n: u128, amount: Money) -> OrderCommand {
    OrderCommand::BeginPayment { by, payment: payment(n), amount }
}

fn begun(n: u128) -> OrderEvent {
    OrderEvent::PaymentBegun { payment: payment(n) }
}

fn end(n: u128) -> OrderCommand {
    OrderCommand::EndPayment { payment: payment(n) }
}

fn ended(n: u128) -> OrderEvent {
    OrderEvent::PaymentEnded { payment: payment(n) }
}

fn pay(n: u128) -> OrderCommand {
    OrderCommand::MarkPaid { payment: payment(n), amount: TOTAL }
}

fn paid_by(n: u128) -> OrderEvent {
    OrderEvent::Paid { payment: payment(n), amount: TOTAL }
}

fn cancel(by: AccountId) -> OrderCommand {
    OrderCommand::Cancel { by, reason: Some("Vazgeçtim".into()) }
}

fn invoice(number: &str) -> OrderCommand {
    OrderCommand::IssueInvoice { number: number.into(), issued_on: "2026-11-24".into() }
}

fn place(change: impl FnOnce(&mut Placement)) -> OrderCommand {
    let mut placement = placement();
    change(&mut placement);
    OrderCommand::Place(placement)
}

fn with_lines(lines: Vec<Line>, total: i64) -> OrderCommand {
    place(|placement| {
        placement.lines = lines;
        placement.total = Money::lira(total);
    })
}

#[test]
fn an_order_is_placed_once() {
    given::<Order>([]).when(place(|_| {})).then_expect_events(placed());
    for history in [placed(), paid(), canceled(), expired()] {
        given::<Order>(history).when(place(|_| {})).then_expect_events(vec![]);
    }
}

#[test]
fn a_taken_id_refuses_another_order() {
    for history in [placed(), paid(), canceled(), expired()] {
        given::<Order>(history)
            .when(place(|placement| placement.customer = STRANGER))
            .then_expect_error(OrderRefusal::AlreadyExists);
    }
}

#[test]
fn the_lines_of_an_order_add_up_to_its_total() {
    let cover = |price| line(LineKind::Cover, 2, price);
    for refused in [
        with_lines(vec![], 0),
        with_lines(vec![cover(100)], 100),
        with_lines(vec![cover(100)], 201),
        with_lines(vec![cover(i64::MAX)], -2),
        with_lines(vec![line(LineKind::Cover, 1, i64::MAX), line(LineKind::Shipping, 1, 1)], i64::MIN),
    ] {
        given::<Order>([]).when(refused).then_expect_error(OrderRefusal::TotalMismatch);
    }
}

#[test]
fn an_unknown_order_is_not_found() {
    for command in [begin(1), end(1), pay(1), cancel(CUSTOMER), OrderCommand::Expire, invoice("PLK1")] {
        given::<Order>([]).when(command).then_expect_error(OrderRefusal::NotFound);
    }
}

#[test]
fn a_foreign_order_looks_like_none_in_every_state() {
    for history in [placed(), paid(), canceled(), expired()] {
        for command in [begin_as(STRANGER, 1, TOTAL), cancel(STRANGER)] {
            given::<Order>(history.clone()).when(command).then_expect_error(OrderRefusal::NotFound);
        }
    }
}

#[test]
fn a_payment_begins_once() {
    given::<Order>(placed()).when(begin(1)).then_expect_events(vec![begun(1)]);
    given::<Order>(placed()).and(vec![begun(1)]).when(begin(1)).then_expect_events(vec![]);
}

#[test]
fn one_payment_is_open_at_a_time_and_the_refusal_names_it() {
    given::<Order>(placed())
        .and(vec![begun(1)])
        .when(begin(2))
        .then_expect_error(OrderRefusal::PaymentInProgress { payment: payment(1) });
}

#[test]
fn a_payment_begins_only_over_the_total() {
    for minor in [TOTAL.minor - 1, TOTAL.minor + 1, 0] {
        given::<Order>(placed())
            .when(begin_as(CUSTOMER, 1, Money::lira(minor)))
            .then_expect_error(OrderRefusal::WrongAmount);
    }
}

#[test]
fn a_payment_that_ended_makes_room_for_the_next() {
    given::<Order>(placed()).and(vec![begun(1)]).when(end(1)).then_expect_events(vec![ended(1)]);
    given::<Order>(placed()).and(vec![begun(1), ended(1)]).when(begin(2)).then_expect_events(vec![begun(2)]);
}

#[test]
fn a_payment_that_ended_does_not_begin_again() {
    given::<Order>(placed()).and(vec![begun(1), ended(1)]).when(begin(1)).then_expect_events(vec![]);
    given::<Order>(placed())
        .and(vec![begun(1), ended(1), begun(2)])
        .when(begin(1))
        .then_expect_events(vec![]);
}

#[test]
fn the_end_of_a_payment_that_is_not_open_is_no_news() {
    given::<Order>(placed()).when(end(1)).then_expect_events(vec![]);
    given::<Order>(placed()).and(vec![begun(1)]).when(end(2)).then_expect_events(vec![]);
    given::<Order>(placed()).and(vec![begun(1), ended(1)]).when(end(1)).then_expect_events(vec![]);
    for history in [paid(), canceled(), expired()] {
        given::<Order>(history).when(end(1)).then_expect_events(vec![]);
    }
}

#[test]
fn an_order_is_paid_once() {
    given::<Order>(placed()).and(vec![begun(1)]).when(pay(1)).then_expect_events(vec![paid_by(1)]);
    given::<Order>(paid()).when(pay(1)).then_expect_events(vec![]);
}

#[test]
fn money_of_an_attempt_that_was_given_up_still_pays_the_order() {
    given::<Order>(placed())
        .and(vec![begun(1), ended(1), begun(2)])
        .when(pay(1))
        .then_expect_events(vec![paid_by(1)]);
    given::<Order>(placed()).when(pay(1)).then_expect_events(vec![paid_by(1)]);
}

#[test]
fn a_wrong_amount_does_not_pay_an_order() {
    for minor in [TOTAL.minor - 1, TOTAL.minor + 1] {
        given::<Order>(placed())
            .when(OrderCommand::MarkPaid { payment: payment(1), amount: Money::lira(minor) })
            .then_expect_error(OrderRefusal::WrongAmount);
    }
}

#[test]
fn a_paid_order_begins_no_payment() {
    given::<Order>(paid()).when(begin(2)).then_expect_error(OrderRefusal::AlreadyPaid);
}

#[test]
fn a_closed_order_begins_no_payment() {
    for history in [canceled(), expired()] {
        given::<Order>(history).when(begin(2)).then_expect_error(OrderRefusal::Canceled);
    }
}

#[test]
fn an_unpaid_order_can_be_canceled_once_even_while_a_payment_is_open() {
    let canceled_now = vec![OrderEvent::Canceled { reason: Some("Vazgeçtim".into()) }];
    given::<Order>(placed()).when(cancel(CUSTOMER)).then_expect_events(canceled_now.clone());
    given::<Order>(placed()).and(vec![begun(1)]).when(cancel(CUSTOMER)).then_expect_events(canceled_now);
    for history in [canceled(), expired()] {
        given::<Order>(history).when(cancel(CUSTOMER)).then_expect_events(vec![]);
    }
}

#[test]
fn a_paid_order_cannot_be_canceled() {
    given::<Order>(paid()).when(cancel(CUSTOMER)).then_expect_error(OrderRefusal::CancelNotPossible);
}

#[test]
fn only_an_order_that_waits_for_its_money_expires() {
    given::<Order>(placed()).when(OrderCommand::Expire).then_expect_events(vec![OrderEvent::Expired]);
    for history in [paid(), canceled(), expired()] {
        given::<Order>(history).when(OrderCommand::Expire).then_expect_events(vec![]);
    }
}
