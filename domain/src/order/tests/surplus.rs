//! Money that an order cannot take is never refused: it is recorded, so that it can go back.

use super::{begun, canceled, expired, paid, paid_by, pay};
use crate::Money;
use crate::fixtures::{TOTAL, given, payment};
use crate::order::{Order, OrderCommand, OrderEvent};

fn surplus(n: u128) -> OrderEvent {
    OrderEvent::SurplusReceived { payment: payment(n), amount: TOTAL }
}

#[test]
fn money_for_a_canceled_order_is_a_surplus() {
    given::<Order>(canceled()).when(pay(1)).then_expect_events(vec![surplus(1)]);
}

#[test]
fn money_for_an_expired_order_is_a_surplus() {
    given::<Order>(expired()).when(pay(1)).then_expect_events(vec![surplus(1)]);
}

#[test]
fn money_for_a_paid_order_is_a_surplus() {
    given::<Order>(paid()).when(pay(2)).then_expect_events(vec![surplus(2)]);
}

#[test]
fn each_payment_is_a_surplus_once() {
    for history in [canceled(), expired(), paid()] {
        given::<Order>(history.clone()).and(vec![surplus(2)]).when(pay(2)).then_expect_events(vec![]);
        given::<Order>(history).and(vec![surplus(2)]).when(pay(3)).then_expect_events(vec![surplus(3)]);
    }
}

#[test]
fn the_payment_of_a_paid_order_never_becomes_a_surplus() {
    given::<Order>(paid()).and(vec![surplus(2)]).when(pay(1)).then_expect_events(vec![]);
}

#[test]
fn a_surplus_goes_back_whatever_its_amount() {
    let amount = Money::lira(1);
    given::<Order>(paid())
        .when(OrderCommand::MarkPaid { payment: payment(2), amount })
        .then_expect_events(vec![OrderEvent::SurplusReceived { payment: payment(2), amount }]);
}

#[test]
fn two_open_windows_pay_once_and_give_back_once() {
    let placed = super::placed();
    given::<Order>(placed.clone()).and(vec![begun(1)]).when(pay(2)).then_expect_events(vec![paid_by(2)]);
    given::<Order>(placed).and(vec![begun(1), paid_by(2)]).when(pay(1)).then_expect_events(vec![surplus(1)]);
}
