use super::{Contents, CoverSize, Draft, DraftCommand, DraftEvent, DraftRefusal, Method};
use crate::fixtures::{CUSTOMER, ORDER, STRANGER, given, job, message_card, personal, picture};
use crate::{AccountId, OrderId};
use uuid::Uuid;

mod generation;
mod properties;

fn create(by: AccountId, method: Method, size: CoverSize) -> DraftCommand {
    DraftCommand::Create { by, method, size }
}

fn created(method: Method) -> DraftEvent {
    DraftEvent::Created { customer: CUSTOMER, method, size: CoverSize::A5 }
}

fn open() -> Vec<DraftEvent> {
    vec![created(Method::Ai)]
}

/// All that an order needs.
fn complete() -> Vec<DraftEvent> {
    vec![
        created(Method::Ai),
        DraftEvent::PictureSelected { picture: picture(1) },
        DraftEvent::MessageCardChosen { card: message_card(1) },
        DraftEvent::ShippingSet { address: personal(1) },
    ]
}

fn without(missing: &str) -> Vec<DraftEvent> {
    use cqrs_es::DomainEvent;
    complete().into_iter().filter(|event| event.event_type() != missing).collect()
}

fn committed() -> Vec<DraftEvent> {
    complete().into_iter().chain([DraftEvent::Committed { order: ORDER }]).collect()
}

fn canceled() -> Vec<DraftEvent> {
    vec![created(Method::Ai), DraftEvent::Canceled { reason: None }]
}

/// What [`complete`] amounts to, with another address for another number.
fn contents(address: u128) -> Contents {
    Contents {
        picture: picture(1),
        message_card: message_card(1),
        shipping: personal(address),
        billing: None,
    }
}

fn commit() -> DraftCommand {
    DraftCommand::Commit { by: CUSTOMER, order: ORDER, contents: contents(1) }
}

/// Everything that a person can ask of a draft that exists.
fn everything(by: AccountId) -> Vec<DraftCommand> {
    vec![
        DraftCommand::ChooseMessageCard { by, card: message_card(2) },
        DraftCommand::SetShipping { by, address: personal(3) },
        DraftCommand::SetBilling { by, address: personal(3) },
        DraftCommand::BeginGeneration { by, job: job(9), cost: 100 },
        DraftCommand::SelectPicture { by, picture: picture(2) },
        DraftCommand::Commit { by, order: OrderId(Uuid::from_u128(9)), contents: contents(1) },
        DraftCommand::Cancel { by, reason: None },
    ]
}

#[test]
fn a_draft_belongs_to_the_person_who_creates_it() {
    given::<Draft>([])
        .when(create(CUSTOMER, Method::Ai, CoverSize::A5))
        .then_expect_events(vec![created(Method::Ai)]);
}

#[test]
fn creating_the_same_draft_again_changes_nothing() {
    given::<Draft>(open()).when(create(CUSTOMER, Method::Ai, CoverSize::A5)).then_expect_events(vec![]);
}

#[test]
fn a_taken_id_refuses_another_draft() {
    for other in [
        create(CUSTOMER, Method::Upload, CoverSize::A5),
        create(CUSTOMER, Method::Ai, CoverSize::A4),
        create(STRANGER, Method::Ai, CoverSize::A5),
    ] {
        given::<Draft>(open()).when(other).then_expect_error(DraftRefusal::AlreadyExists);
    }
    for over in [committed(), canceled()] {
        given::<Draft>(over)
            .when(create(CUSTOMER, Method::Ai, CoverSize::A5))
            .then_expect_error(DraftRefusal::AlreadyExists);
    }
}

#[test]
fn an_unknown_draft_is_not_found() {
    for command in everything(CUSTOMER) {
        given::<Draft>([]).when(command).then_expect_error(DraftRefusal::NotFound);
    }
    given::<Draft>([])
        .when(DraftCommand::EndGeneration { job: job(1), delivered: 1 })
        .then_expect_error(DraftRefusal::NotFound);
}

#[test]
fn a_foreign_draft_looks_like_none_in_every_state() {
    for history in [open(), complete(), committed(), canceled()] {
        for command in everything(STRANGER) {
            given::<Draft>(history.clone()).when(command).then_expect_error(DraftRefusal::NotFound);
        }
    }
}

#[test]
fn a_message_card_can_be_changed_but_not_chosen_twice() {
    let choose = |n| DraftCommand::ChooseMessageCard { by: CUSTOMER, card: message_card(n) };
    let chosen = |n| DraftEvent::MessageCardChosen { card: message_card(n) };
    given::<Draft>(open()).when(choose(1)).then_expect_events(vec![chosen(1)]);
    given::<Draft>(open()).and(vec![chosen(1)]).when(choose(1)).then_expect_events(vec![]);
    given::<Draft>(open()).and(vec![chosen(1)]).when(choose(2)).then_expect_events(vec![chosen(2)]);
}

#[test]
fn an_address_can_be_changed_but_not_set_twice() {
    let ship = |n| DraftCommand::SetShipping { by: CUSTOMER, address: personal(n) };
    let bill = |n| DraftCommand::SetBilling { by: CUSTOMER, address: personal(n) };
    let shipped = |n| DraftEvent::ShippingSet { address: personal(n) };
    let billed = |n| DraftEvent::BillingSet { address: personal(n) };
    given::<Draft>(open()).when(ship(1)).then_expect_events(vec![shipped(1)]);
    given::<Draft>(open()).and(vec![shipped(1)]).when(ship(1)).then_expect_events(vec![]);
    given::<Draft>(open()).and(vec![shipped(1)]).when(ship(2)).then_expect_events(vec![shipped(2)]);
    given::<Draft>(open()).and(vec![shipped(1)]).when(bill(1)).then_expect_events(vec![billed(1)]);
    given::<Draft>(open()).and(vec![billed(1)]).when(bill(1)).then_expect_events(vec![]);
    given::<Draft>(open()).and(vec![billed(1)]).when(bill(2)).then_expect_events(vec![billed(2)]);
}

#[test]
fn a_picture_can_be_changed_but_not_selected_twice() {
    let select = |n| DraftCommand::SelectPicture { by: CUSTOMER, picture: picture(n) };
    let selected = |n| DraftEvent::PictureSelected { picture: picture(n) };
    given::<Draft>(open()).when(select(1)).then_expect_events(vec![selected(1)]);
    given::<Draft>(open()).and(vec![selected(1)]).when(select(1)).then_expect_events(vec![]);
    given::<Draft>(open()).and(vec![selected(1)]).when(select(2)).then_expect_events(vec![selected(2)]);
}

#[test]
fn a_complete_draft_can_be_ordered_without_a_billing_address() {
    given::<Draft>(complete())
        .when(commit())
        .then_expect_events(vec![DraftEvent::Committed { order: ORDER }]);
}

#[test]
fn a_draft_that_changed_after_it_was_shown_is_not_ordered() {
    let stale = DraftCommand::Commit { by: CUSTOMER, order: ORDER, contents: contents(2) };
    given::<Draft>(complete()).when(stale).then_expect_error(DraftRefusal::Changed);
}

#[test]
fn an_incomplete_draft_says_what_is_missing() {
    for (missing, refusal) in [
        ("picture_selected", DraftRefusal::PictureMissing),
        ("message_card_chosen", DraftRefusal::MessageCardMissing),
        ("shipping_set", DraftRefusal::ShippingMissing),
    ] {
        given::<Draft>(without(missing)).when(commit()).then_expect_error(refusal);
    }
}

#[test]
fn a_draft_is_ordered_once() {
    given::<Draft>(committed()).when(commit()).then_expect_events(vec![]);
}

#[test]
fn an_ordered_draft_cannot_be_changed() {
    for command in everything(CUSTOMER) {
        given::<Draft>(committed()).when(command).then_expect_error(DraftRefusal::AlreadyCommitted);
    }
}

#[test]
fn a_draft_can_be_canceled_once() {
    let cancel = || DraftCommand::Cancel { by: CUSTOMER, reason: Some("Vazgeçtim".into()) };
    given::<Draft>(complete())
        .when(cancel())
        .then_expect_events(vec![DraftEvent::Canceled { reason: Some("Vazgeçtim".into()) }]);
    given::<Draft>(canceled()).when(cancel()).then_expect_events(vec![]);
}

#[test]
fn a_canceled_draft_cannot_be_changed() {
    let changes = everything(CUSTOMER).into_iter();
    for command in changes.filter(|command| !matches!(command, DraftCommand::Cancel { .. })) {
        given::<Draft>(canceled()).when(command).then_expect_error(DraftRefusal::Canceled);
    }
}
