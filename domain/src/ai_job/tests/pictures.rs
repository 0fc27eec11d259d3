use super::{begin, begun, defer, deferred, fail, failed, finished, generated, record, requested};
use crate::ai_job::{ATTEMPTS_MAX, AiJob, AiJobRefusal};
use crate::fixtures::given;

#[test]
fn the_first_attempt_is_recorded_before_the_call() {
    given::<AiJob>([requested(2)]).when(begin(0)).then_expect_events(vec![begun(0, 1)]);
}

#[test]
fn a_call_without_an_outcome_counts_as_an_attempt() {
    given::<AiJob>([requested(2), begun(0, 1)]).when(begin(0)).then_expect_events(vec![begun(0, 2)]);
}

#[test]
fn attempts_that_may_have_been_charged_are_bounded() {
    given::<AiJob>([requested(2), begun(0, 1), begun(0, ATTEMPTS_MAX)])
        .when(begin(0))
        .then_expect_error(AiJobRefusal::AttemptsUsedUp);
}

#[test]
fn a_deferred_call_does_not_count() {
    given::<AiJob>([requested(2), begun(0, 1)]).when(defer(0)).then_expect_events(vec![deferred(0, 1)]);
    given::<AiJob>([requested(2), begun(0, 1), deferred(0, 1)])
        .when(begin(0))
        .then_expect_events(vec![begun(0, 1)]);
    given::<AiJob>([requested(2), begun(0, 1), begun(0, 2), deferred(0, 2)])
        .when(begin(0))
        .then_expect_events(vec![begun(0, 2)]);
}

#[test]
fn only_a_call_that_was_begun_can_be_deferred() {
    given::<AiJob>([requested(2)]).when(defer(0)).then_expect_events(vec![]);
    given::<AiJob>([requested(2), begun(0, 1), deferred(0, 1)]).when(defer(0)).then_expect_events(vec![]);
    given::<AiJob>([requested(2), begun(0, 1), generated(0, 50)]).when(defer(0)).then_expect_events(vec![]);
    given::<AiJob>([requested(2), begun(0, 1), failed(0)]).when(defer(0)).then_expect_events(vec![]);
}

#[test]
fn pictures_have_attempts_of_their_own() {
    given::<AiJob>([requested(2), begun(0, 1), begun(0, 2)])
        .when(begin(1))
        .then_expect_events(vec![begun(1, 1)]);
}

#[test]
fn a_settled_picture_is_not_begun_again() {
    for outcome in [generated(0, 50), failed(0)] {
        given::<AiJob>([requested(2), begun(0, 1), outcome])
            .when(begin(0))
            .then_expect_error(AiJobRefusal::PictureSettled);
    }
}

#[test]
fn a_picture_that_was_not_asked_for_is_refused() {
    for command in [begin(2), record(2), fail(2)] {
        given::<AiJob>([requested(2)]).when(command).then_expect_error(AiJobRefusal::NoSuchPicture);
    }
    given::<AiJob>([requested(2)]).when(defer(2)).then_expect_events(vec![]);
}

#[test]
fn a_delivered_picture_carries_its_share_of_the_price() {
    given::<AiJob>([requested(3), begun(0, 1)]).when(record(0)).then_expect_events(vec![generated(0, 33)]);
    given::<AiJob>([requested(3), begun(2, 1)]).when(record(2)).then_expect_events(vec![generated(2, 34)]);
}

#[test]
fn the_outcome_of_an_attempt_that_was_given_up_still_counts() {
    given::<AiJob>([requested(2), begun(0, 1), deferred(0, 1)])
        .when(record(0))
        .then_expect_events(vec![generated(0, 50)]);
    given::<AiJob>([requested(2), begun(0, 1), begun(0, 2)])
        .when(record(0))
        .then_expect_events(vec![generated(0, 50)]);
}

#[test]
fn the_first_outcome_of_a_picture_stands() {
    for outcome in [generated(0, 50), failed(0)] {
        for late in [record(0), fail(0)] {
            given::<AiJob>([requested(2), begun(0, 1), outcome.clone()])
                .when(late)
                .then_expect_events(vec![]);
        }
    }
}

#[test]
fn a_picture_can_fail_before_it_was_begun() {
    given::<AiJob>([requested(2)]).when(fail(0)).then_expect_events(vec![failed(0)]);
}

#[test]
fn the_last_picture_finishes_the_job_with_everybodys_share() {
    given::<AiJob>([requested(3), begun(0, 1), generated(0, 33), begun(2, 1), generated(2, 34), begun(1, 1)])
        .when(record(1))
        .then_expect_events(vec![generated(1, 33), finished(&[(0, 33), (1, 33), (2, 34)], 0)]);
}

#[test]
fn the_last_failure_finishes_the_job_with_what_was_delivered() {
    given::<AiJob>([requested(3), failed(0), begun(1, 1), generated(1, 33), begun(2, 1)])
        .when(fail(2))
        .then_expect_events(vec![failed(2), finished(&[(1, 33)], 2)]);
}

#[test]
fn a_job_whose_pictures_all_failed_delivers_nothing() {
    given::<AiJob>([requested(1), begun(0, 1)])
        .when(fail(0))
        .then_expect_events(vec![failed(0), finished(&[], 1)]);
}

#[test]
fn a_job_waits_for_pictures_that_were_deferred() {
    given::<AiJob>([requested(2), begun(0, 1), deferred(0, 1), begun(1, 1)])
        .when(record(1))
        .then_expect_events(vec![generated(1, 50)]);
}
