use crate::draft::{CoverSize, Draft, DraftCommand, DraftEvent, Method};
use crate::fixtures::{CUSTOMER, DRAFT, STRANGER, job, message_card, personal, picture};
use crate::laws::{Lawful, play};
use crate::{Command, Event, OrderId};
use proptest::prelude::*;
use std::collections::BTreeSet;
use uuid::Uuid;

impl Lawful for Draft {
    fn command(command: DraftCommand) -> Command {
        Command::Draft { id: DRAFT, command }
    }

    fn event(event: DraftEvent) -> Event {
        Event::Draft(event)
    }
}

fn commands() -> impl Strategy<Value = Vec<DraftCommand>> {
    let by = || prop_oneof![9 => Just(CUSTOMER), 1 => Just(STRANGER)];
    let method = prop_oneof![4 => Just(Method::Ai), 1 => Just(Method::Upload), 1 => Just(Method::Artist)];
    let size = prop_oneof![Just(CoverSize::A6), Just(CoverSize::A5), Just(CoverSize::A4)];
    let cost = prop_oneof![4 => Just(100u32), 2 => Just(200), 2 => Just(300), 1 => any::<u32>()];
    let command = prop_oneof![
        3 => (by(), method, size).prop_map(|(by, method, size)| DraftCommand::Create { by, method, size }),
        2 => (by(), 0..2u128)
            .prop_map(|(by, n)| DraftCommand::ChooseMessageCard { by, card: message_card(n) }),
        2 => (by(), 0..2u128).prop_map(|(by, n)| DraftCommand::SetShipping { by, address: personal(n) }),
        1 => (by(), 0..2u128).prop_map(|(by, n)| DraftCommand::SetBilling { by, address: personal(n) }),
        4 => (by(), 0..6u128, cost)
            .prop_map(|(by, n, cost)| DraftCommand::BeginGeneration { by, job: job(n), cost }),
        4 => (0..6u128, any::<u8>())
            .prop_map(|(n, delivered)| DraftCommand::EndGeneration { job: job(n), delivered }),
        2 => (by(), 0..2u128).prop_map(|(by, n)| DraftCommand::SelectPicture { by, picture: picture(n) }),
        1 => (by(), 0..2u128)
            .prop_map(|(by, n)| DraftCommand::Commit {
                by,
                order: OrderId(Uuid::from_u128(n)),
                contents: super::contents(n),
            }),
        1 => by().prop_map(|by| DraftCommand::Cancel { by, reason: None }),
    ];
    prop::collection::vec(command, 0..40)
}

proptest! {
    #[test]
    fn a_draft_ends_once_and_nothing_follows(commands in commands()) {
        let (_, history) = play::<Draft>(commands);
        let end = |event: &DraftEvent| {
            matches!(event, DraftEvent::Committed { .. } | DraftEvent::Canceled { .. })
        };
        if let Some(at) = history.iter().position(end) {
            prop_assert_eq!(at + 1, history.len());
        }
    }

    #[test]
    fn generations_come_one_at_a_time_and_each_once(commands in commands()) {
        let (_, history) = play::<Draft>(commands);
        let (mut running, mut seen) = (None, BTreeSet::new());
        for event in history {
            match event {
                DraftEvent::GenerationBegun { job, .. } => {
                    prop_assert_eq!(running.replace(job), None);
                    prop_assert!(seen.insert(job), "{} began twice", job);
                }
                DraftEvent::GenerationEnded { job, .. } => prop_assert_eq!(running.take(), Some(job)),
                DraftEvent::Committed { .. } => prop_assert_eq!(running, None),
                DraftEvent::Created { .. }
                | DraftEvent::MessageCardChosen { .. }
                | DraftEvent::ShippingSet { .. }
                | DraftEvent::BillingSet { .. }
                | DraftEvent::PictureSelected { .. }
                | DraftEvent::Canceled { .. } => {}
            }
        }
    }
}
