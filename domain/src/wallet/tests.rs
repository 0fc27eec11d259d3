use super::{Delivered, GrantKind, Wallet, WalletCommand, WalletEvent, WalletRefusal};
use crate::fixtures::{given, job};

mod properties;

fn grant(reference: &str, credits: u32) -> WalletCommand {
    WalletCommand::Grant { reference: reference.into(), credits, kind: GrantKind::Gift }
}

fn granted(reference: &str, credits: u32) -> WalletEvent {
    WalletEvent::Granted { reference: reference.into(), credits, kind: GrantKind::Gift }
}

fn reserve(n: u128, credits: u32) -> WalletCommand {
    WalletCommand::Reserve { job: job(n), credits }
}

fn reserved(n: u128, credits: u32) -> WalletEvent {
    WalletEvent::Reserved { job: job(n), credits }
}

fn capture(n: u128, index: u8, credits: u32) -> WalletCommand {
    WalletCommand::Capture { job: job(n), index, credits }
}

fn captured(n: u128, index: u8, credits: u32) -> WalletEvent {
    WalletEvent::Captured { job: job(n), index, credits }
}

fn settle(n: u128, delivered: &[(u8, u32)]) -> WalletCommand {
    let delivered = delivered.iter().map(|&(index, credits)| Delivered { index, credits }).collect();
    WalletCommand::Settle { job: job(n), delivered }
}

fn released(n: u128, credits: u32) -> WalletEvent {
    WalletEvent::Released { job: job(n), credits }
}

/// 120 credits, 100 of them reserved for job 1.
fn with_reservation() -> Vec<WalletEvent> {
    vec![granted("welcome", 120), reserved(1, 100)]
}

#[test]
fn a_grant_is_given_once_per_reference() {
    given::<Wallet>([]).when(grant("welcome", 500)).then_expect_events(vec![granted("welcome", 500)]);
    given::<Wallet>([granted("welcome", 500)]).when(grant("welcome", 500)).then_expect_events(vec![]);
    given::<Wallet>([granted("welcome", 500)]).when(grant("welcome", 0)).then_expect_events(vec![]);
    given::<Wallet>([granted("welcome", 500)])
        .when(grant("purchase-1", 100))
        .then_expect_events(vec![granted("purchase-1", 100)]);
}

#[test]
fn no_credits_can_be_neither_granted_nor_reserved() {
    given::<Wallet>([]).when(grant("welcome", 0)).then_expect_error(WalletRefusal::NoCredits);
    given::<Wallet>([granted("welcome", 500)])
        .when(reserve(1, 0))
        .then_expect_error(WalletRefusal::NoCredits);
}

#[test]
fn a_reservation_may_take_the_last_credit() {
    given::<Wallet>([granted("welcome", 100)])
        .when(reserve(1, 100))
        .then_expect_events(vec![reserved(1, 100)]);
}

#[test]
fn a_reservation_says_how_many_credits_are_missing() {
    given::<Wallet>([])
        .when(reserve(1, 100))
        .then_expect_error(WalletRefusal::InsufficientCredits { missing: 100 });
    given::<Wallet>(with_reservation())
        .when(reserve(2, 21))
        .then_expect_error(WalletRefusal::InsufficientCredits { missing: 1 });
}

#[test]
fn a_job_reserves_once_even_when_it_is_over() {
    given::<Wallet>(with_reservation()).when(reserve(1, 100)).then_expect_events(vec![]);
    given::<Wallet>(with_reservation())
        .and(vec![released(1, 100)])
        .when(reserve(1, 100))
        .then_expect_events(vec![]);
}

#[test]
fn a_picture_is_captured_once() {
    given::<Wallet>(with_reservation()).when(capture(1, 0, 50)).then_expect_events(vec![captured(1, 0, 50)]);
    given::<Wallet>(with_reservation())
        .and(vec![captured(1, 0, 50)])
        .when(capture(1, 0, 50))
        .then_expect_events(vec![]);
}

#[test]
fn nothing_is_captured_without_a_reservation() {
    given::<Wallet>([granted("welcome", 500)])
        .when(capture(1, 0, 50))
        .then_expect_error(WalletRefusal::NotReserved);
    given::<Wallet>([granted("welcome", 500)])
        .when(settle(1, &[]))
        .then_expect_error(WalletRefusal::NotReserved);
}

#[test]
fn a_capture_never_takes_more_than_is_reserved() {
    given::<Wallet>(with_reservation())
        .and(vec![captured(1, 0, 60)])
        .when(capture(1, 1, 41))
        .then_expect_error(WalletRefusal::NotReserved);
}

#[test]
fn settling_captures_what_was_delivered_and_gives_back_the_rest() {
    given::<Wallet>(with_reservation()).when(settle(1, &[(0, 33), (2, 34)])).then_expect_events(vec![
        captured(1, 0, 33),
        captured(1, 2, 34),
        released(1, 33),
    ]);
}

#[test]
fn settling_after_the_captures_takes_only_what_they_left_open() {
    given::<Wallet>(with_reservation())
        .and(vec![captured(1, 0, 33)])
        .when(settle(1, &[(0, 33), (1, 33), (2, 34)]))
        .then_expect_events(vec![captured(1, 1, 33), captured(1, 2, 34), released(1, 0)]);
}

#[test]
fn a_capture_that_comes_after_settling_finds_its_picture_paid() {
    given::<Wallet>(with_reservation())
        .and(vec![captured(1, 0, 50), released(1, 50)])
        .when(capture(1, 0, 50))
        .then_expect_events(vec![]);
}

#[test]
fn a_settled_reservation_pays_for_no_further_picture() {
    given::<Wallet>(with_reservation())
        .and(vec![captured(1, 0, 50), released(1, 50)])
        .when(capture(1, 1, 50))
        .then_expect_error(WalletRefusal::NotReserved);
}

#[test]
fn a_job_that_delivered_nothing_gives_everything_back() {
    given::<Wallet>(with_reservation()).when(settle(1, &[])).then_expect_events(vec![released(1, 100)]);
    given::<Wallet>(with_reservation())
        .and(vec![released(1, 100)])
        .when(reserve(2, 120))
        .then_expect_events(vec![reserved(2, 120)]);
}

#[test]
fn a_reservation_is_settled_once() {
    given::<Wallet>(with_reservation())
        .and(vec![released(1, 100)])
        .when(settle(1, &[(0, 100)]))
        .then_expect_events(vec![]);
}

#[test]
fn a_picture_that_is_listed_twice_is_paid_once() {
    given::<Wallet>(with_reservation())
        .when(settle(1, &[(0, 50), (0, 50)]))
        .then_expect_events(vec![captured(1, 0, 50), released(1, 50)]);
}

#[test]
fn settling_more_than_was_reserved_takes_nothing() {
    given::<Wallet>(with_reservation())
        .when(settle(1, &[(0, 60), (1, 41)]))
        .then_expect_error(WalletRefusal::NotReserved);
}

#[test]
fn jobs_do_not_touch_each_others_reservations() {
    given::<Wallet>([granted("welcome", 300), reserved(1, 100), reserved(2, 100)])
        .and(vec![captured(1, 0, 100), released(1, 0)])
        .when(settle(2, &[(0, 50)]))
        .then_expect_events(vec![captured(2, 0, 50), released(2, 50)]);
}
