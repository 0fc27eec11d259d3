use super::{canceled, commit, committed, complete, created, open};
use crate::draft::{Draft, DraftCommand, DraftEvent, DraftRefusal, Method};
use crate::fixtures::{CUSTOMER, given, job};

fn begin(n: u128, cost: u32) -> DraftCommand {
    DraftCommand::BeginGeneration { by: CUSTOMER, job: job(n), cost }
}

fn begun(n: u128, cost: u32) -> DraftEvent {
    DraftEvent::GenerationBegun { job: job(n), cost }
}

fn end(n: u128, delivered: u8) -> DraftCommand {
    DraftCommand::EndGeneration { job: job(n), delivered }
}

fn ended(n: u128, delivered: u8) -> DraftEvent {
    DraftEvent::GenerationEnded { job: job(n), delivered }
}

#[test]
fn a_draft_made_by_ai_begins_a_generation_once() {
    given::<Draft>(open()).when(begin(1, 100)).then_expect_events(vec![begun(1, 100)]);
    given::<Draft>(open()).and(vec![begun(1, 100)]).when(begin(1, 100)).then_expect_events(vec![]);
}

#[test]
fn only_a_draft_made_by_ai_generates_pictures() {
    for method in [Method::Upload, Method::Artist] {
        given::<Draft>([created(method)]).when(begin(1, 100)).then_expect_error(DraftRefusal::NotByAi);
    }
}

#[test]
fn a_draft_is_busy_while_pictures_are_made() {
    let history = || given::<Draft>(complete()).and(vec![begun(1, 100)]);
    history().when(begin(2, 100)).then_expect_error(DraftRefusal::Busy);
    history().when(commit()).then_expect_error(DraftRefusal::Busy);
}

#[test]
fn a_draft_can_be_canceled_while_pictures_are_made() {
    given::<Draft>(open())
        .and(vec![begun(1, 100)])
        .when(DraftCommand::Cancel { by: CUSTOMER, reason: None })
        .then_expect_events(vec![DraftEvent::Canceled { reason: None }]);
}

#[test]
fn a_price_that_has_moved_is_refused_and_told() {
    let two = vec![begun(1, 100), ended(1, 1), begun(2, 100), ended(2, 3)];
    given::<Draft>(open())
        .and(two.clone())
        .when(begin(3, 100))
        .then_expect_error(DraftRefusal::PriceChanged { cost: 200 });
    given::<Draft>(open()).and(two).when(begin(3, 200)).then_expect_events(vec![begun(3, 200)]);
    given::<Draft>(open()).when(begin(1, 99)).then_expect_error(DraftRefusal::PriceChanged { cost: 100 });
}

#[test]
fn a_generation_that_delivered_nothing_does_not_raise_the_price() {
    let nothing = (1..=4).flat_map(|n| [begun(n, 100), ended(n, 0)]).collect();
    given::<Draft>(open()).and(nothing).when(begin(5, 100)).then_expect_events(vec![begun(5, 100)]);
}

#[test]
fn a_generation_ends_once() {
    given::<Draft>(open()).and(vec![begun(1, 100)]).when(end(1, 2)).then_expect_events(vec![ended(1, 2)]);
    given::<Draft>(open()).and(vec![begun(1, 100), ended(1, 2)]).when(end(1, 2)).then_expect_events(vec![]);
}

#[test]
fn a_generation_that_is_over_does_not_begin_again() {
    given::<Draft>(open())
        .and(vec![begun(1, 100), ended(1, 2)])
        .when(begin(1, 100))
        .then_expect_events(vec![]);
}

#[test]
fn the_end_of_another_generation_is_no_news() {
    given::<Draft>(open()).when(end(2, 1)).then_expect_events(vec![]);
    given::<Draft>(open()).and(vec![begun(1, 100)]).when(end(2, 1)).then_expect_events(vec![]);
}

#[test]
fn a_draft_can_be_ordered_when_the_pictures_are_there() {
    given::<Draft>(complete())
        .and(vec![begun(1, 100), ended(1, 0)])
        .when(commit())
        .then_expect_events(vec![DraftEvent::Committed { order: crate::fixtures::ORDER }]);
}

#[test]
fn a_generation_that_ends_after_the_draft_is_no_news() {
    for history in [committed(), canceled()] {
        given::<Draft>(history).when(end(1, 1)).then_expect_events(vec![]);
    }
}
