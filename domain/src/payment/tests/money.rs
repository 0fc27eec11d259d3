//! How an attempt ends: with money, without, held in between, and given back.

use super::{
    capture, captured, closed, expired, fail, failed, held, hold, money, open, record_refund, refund,
    refund_requested, refunded, requested, with_money,
};
use crate::Money;
use crate::fixtures::{TOTAL, given};
use crate::payment::{Payment, PaymentCommand, PaymentRefusal};

#[test]
fn the_providers_word_captures_an_open_payment() {
    given::<Payment>(open()).when(capture("p-1")).then_expect_events(vec![captured("p-1")]);
}

#[test]
fn money_counts_even_when_the_answer_with_the_page_was_lost() {
    given::<Payment>([requested()]).when(capture("p-1")).then_expect_events(vec![captured("p-1")]);
}

#[test]
fn a_late_capture_is_taken_after_the_payment_expired_or_failed() {
    for history in closed() {
        given::<Payment>(history).when(capture("p-1")).then_expect_events(vec![captured("p-1")]);
    }
}

#[test]
fn a_capture_of_another_amount_is_refused() {
    for minor in [TOTAL.minor - 1, TOTAL.minor + 1, 0] {
        let wrong = PaymentCommand::Capture(money("p-1", Money::lira(minor)));
        given::<Payment>(open()).when(wrong.clone()).then_expect_error(PaymentRefusal::WrongAmount);
        for history in closed() {
            given::<Payment>(history).when(wrong.clone()).then_expect_error(PaymentRefusal::WrongAmount);
        }
    }
}

#[test]
fn a_repeated_capture_changes_nothing() {
    for history in with_money() {
        given::<Payment>(history).when(capture("p-1")).then_expect_events(vec![]);
    }
}

#[test]
fn a_captured_payment_refuses_a_second_capture() {
    for history in with_money() {
        given::<Payment>(history).when(capture("p-2")).then_expect_error(PaymentRefusal::AlreadyCaptured);
    }
}

#[test]
fn an_open_payment_fails_or_expires_once() {
    given::<Payment>(open()).when(fail()).then_expect_events(vec![failed()]);
    given::<Payment>(open()).when(PaymentCommand::Expire).then_expect_events(vec![expired()]);
    for history in closed() {
        given::<Payment>(history.clone()).when(fail()).then_expect_events(vec![]);
        given::<Payment>(history).when(PaymentCommand::Expire).then_expect_events(vec![]);
    }
}

#[test]
fn a_payment_is_held_once_for_each_reason() {
    given::<Payment>(open()).when(hold("fraud_check")).then_expect_events(vec![held("fraud_check")]);
    given::<Payment>(open())
        .and(vec![held("fraud_check")])
        .when(hold("fraud_check"))
        .then_expect_events(vec![]);
    given::<Payment>(open())
        .and(vec![held("fraud_check")])
        .when(hold("amount_differs"))
        .then_expect_events(vec![held("amount_differs")]);
}

#[test]
fn a_later_answer_settles_a_payment_that_was_held() {
    let history = || given::<Payment>(open()).and(vec![held("fraud_check")]);
    history().when(capture("p-1")).then_expect_events(vec![captured("p-1")]);
    history().when(fail()).then_expect_events(vec![failed()]);
    history().when(PaymentCommand::Expire).then_expect_events(vec![expired()]);
}

#[test]
fn captured_money_is_asked_back_once() {
    let [captured, asked_back, went_back] = with_money().try_into().unwrap();
    given::<Payment>(captured).when(refund()).then_expect_events(vec![refund_requested()]);
    given::<Payment>(asked_back).when(refund()).then_expect_events(vec![]);
    given::<Payment>(went_back).when(refund()).then_expect_events(vec![]);
}

#[test]
fn money_goes_back_once_and_only_when_it_was_asked_back() {
    let [captured, asked_back, went_back] = with_money().try_into().unwrap();
    given::<Payment>(captured).when(record_refund()).then_expect_error(PaymentRefusal::NotCaptured);
    given::<Payment>(asked_back).when(record_refund()).then_expect_events(vec![refunded()]);
    given::<Payment>(went_back).when(record_refund()).then_expect_events(vec![]);
}

#[test]
fn without_money_there_is_nothing_to_give_back() {
    for history in [closed(), vec![vec![requested()], open()]].concat() {
        given::<Payment>(history.clone()).when(refund()).then_expect_error(PaymentRefusal::NotCaptured);
        given::<Payment>(history).when(record_refund()).then_expect_error(PaymentRefusal::NotCaptured);
    }
}
