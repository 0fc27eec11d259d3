use super::{AiJob, AiJobCommand, AiJobEvent, AiJobRefusal, Generated, Job, PROMPT_CHARS_MAX};
use crate::ImageId;
use crate::fixtures::{CUSTOMER, DRAFT, STRANGER, given};
use crate::wallet::Delivered;
use uuid::Uuid;

mod pictures;
mod properties;

/// Pictures for 100 credits.
fn wanted(count: u8) -> Job {
    Job {
        draft: DRAFT,
        customer: CUSTOMER,
        prompt: "Gün batımında Boğaz'da yüzen vapur".into(),
        negative_prompt: Some("yazı".into()),
        count,
        cost: 100,
        seed: 1_923,
    }
}

fn requested(count: u8) -> AiJobEvent {
    AiJobEvent::Requested { job: wanted(count) }
}

fn begin(index: u8) -> AiJobCommand {
    AiJobCommand::BeginPicture { index }
}

fn begun(index: u8, attempt: u8) -> AiJobEvent {
    AiJobEvent::PictureBegun { index, attempt }
}

fn defer(index: u8) -> AiJobCommand {
    AiJobCommand::DeferPicture { index }
}

fn deferred(index: u8, attempt: u8) -> AiJobEvent {
    AiJobEvent::PictureDeferred { index, attempt }
}

fn stored(n: u8) -> Generated {
    Generated {
        image: ImageId(Uuid::from_u128(n.into())),
        original_key: format!("originals/{n}.png"),
        preview_key: format!("previews/{n}.jpg"),
        thumbnail_key: format!("thumbnails/{n}.jpg"),
        sha256: format!("{n:064x}"),
        width: 1_024,
        height: 1_536,
    }
}

fn record(index: u8) -> AiJobCommand {
    AiJobCommand::RecordPicture { index, picture: stored(index) }
}

fn generated(index: u8, credits: u32) -> AiJobEvent {
    AiJobEvent::PictureGenerated { index, customer: CUSTOMER, credits, picture: stored(index) }
}

fn fail(index: u8) -> AiJobCommand {
    AiJobCommand::FailPicture { index, reason: "content_moderation".into() }
}

fn failed(index: u8) -> AiJobEvent {
    AiJobEvent::PictureFailed { index, reason: "content_moderation".into() }
}

fn finished(delivered: &[(u8, u32)], failed: u8) -> AiJobEvent {
    let delivered = delivered.iter().map(|&(index, credits)| Delivered { index, credits }).collect();
    AiJobEvent::Finished { draft: DRAFT, customer: CUSTOMER, delivered, failed }
}

/// One picture came, one failed.
fn over() -> Vec<AiJobEvent> {
    vec![requested(2), begun(0, 1), generated(0, 50), begun(1, 1), failed(1), finished(&[(0, 50)], 1)]
}

fn ask(change: impl FnOnce(&mut Job)) -> AiJobCommand {
    let mut job = wanted(2);
    change(&mut job);
    AiJobCommand::Request(job)
}

#[test]
fn a_job_is_requested_once() {
    given::<AiJob>([]).when(ask(|_| {})).then_expect_events(vec![requested(2)]);
    given::<AiJob>([requested(2)]).when(ask(|_| {})).then_expect_events(vec![]);
    given::<AiJob>(over()).when(ask(|_| {})).then_expect_events(vec![]);
}

#[test]
fn a_taken_id_refuses_another_job() {
    for history in [vec![requested(2)], over()] {
        given::<AiJob>(history.clone())
            .when(ask(|job| job.seed += 1))
            .then_expect_error(AiJobRefusal::AlreadyExists);
        given::<AiJob>(history)
            .when(ask(|job| job.customer = STRANGER))
            .then_expect_error(AiJobRefusal::AlreadyExists);
    }
}

#[test]
fn a_prompt_must_say_something() {
    for prompt in ["", " \n\t"] {
        given::<AiJob>([])
            .when(ask(|job| job.prompt = prompt.into()))
            .then_expect_error(AiJobRefusal::PromptLength);
    }
}

#[test]
fn a_prompt_is_bounded_in_letters_not_in_bytes() {
    given::<AiJob>([])
        .when(ask(|job| job.prompt = "ğ".repeat(PROMPT_CHARS_MAX + 1)))
        .then_expect_error(AiJobRefusal::PromptLength);
    let mut longest = wanted(2);
    longest.prompt = "ğ".repeat(PROMPT_CHARS_MAX);
    given::<AiJob>([])
        .when(AiJobCommand::Request(longest.clone()))
        .then_expect_events(vec![AiJobEvent::Requested { job: longest }]);
}

#[test]
fn a_job_makes_one_to_four_pictures() {
    for count in [0, 5, u8::MAX] {
        given::<AiJob>([]).when(ask(|job| job.count = count)).then_expect_error(AiJobRefusal::PictureCount);
    }
    for count in 1..=4 {
        given::<AiJob>([]).when(ask(|job| job.count = count)).then_expect_events(vec![requested(count)]);
    }
}

#[test]
fn an_unknown_job_is_not_found() {
    for command in [begin(0), defer(0), record(0), fail(0)] {
        given::<AiJob>([]).when(command).then_expect_error(AiJobRefusal::NotFound);
    }
}

#[test]
fn a_finished_job_begins_no_picture() {
    given::<AiJob>(over()).when(begin(1)).then_expect_error(AiJobRefusal::PictureSettled);
}

#[test]
fn late_outcomes_find_a_finished_job_unchanged() {
    for command in [defer(0), record(0), record(1), fail(0), fail(1)] {
        given::<AiJob>(over()).when(command).then_expect_events(vec![]);
    }
}
