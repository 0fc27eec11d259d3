use super::{begin, defer, fail, record, wanted};
use crate::ai_job::{ATTEMPTS_MAX, AiJob, AiJobCommand, AiJobEvent};
use crate::fixtures::job;
use crate::laws::{Lawful, play};
use crate::wallet::Delivered;
use crate::{Command, Event};
use proptest::prelude::*;
use std::collections::BTreeMap;

impl Lawful for AiJob {
    fn command(command: AiJobCommand) -> Command {
        Command::AiJob { id: job(1), command }
    }

    fn event(event: AiJobEvent) -> Event {
        Event::AiJob(event)
    }

    fn counts_repeats(command: &AiJobCommand) -> bool {
        matches!(command, AiJobCommand::BeginPicture { .. })
    }
}

/// A job of `count` pictures at `cost`, and what may happen to it in any order.
fn commands() -> impl Strategy<Value = Vec<AiJobCommand>> {
    let request = (0..6u8, prop_oneof![0..400u32, any::<u32>()]).prop_map(|(count, cost)| {
        let mut job = wanted(count);
        job.cost = cost;
        AiJobCommand::Request(job)
    });
    let index = || prop_oneof![12 => 0..4u8, 1 => any::<u8>()];
    let later = prop_oneof![
        3 => index().prop_map(begin),
        2 => index().prop_map(defer),
        2 => index().prop_map(record),
        2 => index().prop_map(fail),
    ];
    (request, prop::collection::vec(later, 0..40))
        .prop_map(|(request, later)| std::iter::once(request).chain(later).collect())
}

proptest! {
    #[test]
    fn a_job_finishes_once_with_what_it_delivered(commands in commands()) {
        let (state, history) = play::<AiJob>(commands);
        let (mut delivered, mut refused, mut ends) = (Vec::new(), 0u8, 0);
        for event in &history {
            prop_assert_eq!(ends, 0, "after the end: {:?}", event);
            match event {
                AiJobEvent::PictureGenerated { index, credits, .. } => {
                    delivered.push(Delivered { index: *index, credits: *credits });
                }
                AiJobEvent::PictureFailed { .. } => refused += 1,
                AiJobEvent::Finished { delivered: told, failed, .. } => {
                    ends += 1;
                    delivered.sort_by_key(|picture| picture.index);
                    prop_assert_eq!(told, &delivered);
                    prop_assert_eq!(*failed, refused);
                }
                AiJobEvent::Requested { .. }
                | AiJobEvent::PictureBegun { .. }
                | AiJobEvent::PictureDeferred { .. } => {}
            }
        }
        prop_assert_eq!(ends == 1, matches!(state, AiJob::Finished { .. }));
        if let AiJob::Running { job, .. } | AiJob::Finished { job, .. } = state {
            let shares: u64 = delivered.iter().map(|picture| u64::from(picture.credits)).sum();
            prop_assert!(shares <= u64::from(job.cost));
            prop_assert_eq!(ends == 1, delivered.len() + usize::from(refused) == usize::from(job.count));
        }
    }

    #[test]
    fn no_picture_has_more_calls_than_may_be_charged(commands in commands()) {
        let (_, history) = play::<AiJob>(commands);
        let mut calls: BTreeMap<u8, u8> = BTreeMap::new();
        for event in history {
            if let AiJobEvent::PictureBegun { index, .. } = event {
                *calls.entry(index).or_default() += 1;
            } else if let AiJobEvent::PictureDeferred { index, .. } = event {
                *calls.entry(index).or_default() -= 1;
            }
        }
        prop_assert!(calls.values().all(|calls| *calls <= ATTEMPTS_MAX), "{:?}", calls);
    }
}
