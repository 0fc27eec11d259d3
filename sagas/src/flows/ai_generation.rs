//! From a requested job to pictures and settled credits. Every picture is its own call.

use super::{Flow, Heard, Timing, on};
use crate::action::{Action, Call};
use domain::{AccountId, AiJobEvent, AiJobId, Command, DraftCommand, DraftId, Event, WalletCommand};

pub const FLOW: Flow = Flow {
    name: "ai_generation",
    interests: &[on("ai_job", "requested"), on("ai_job", "picture_generated"), on("ai_job", "finished")],
    react,
};

fn react(heard: Heard<'_>, _: &Timing) -> Vec<Action> {
    match heard.event {
        Event::AiJob(event) => ai_job(AiJobId(heard.aggregate), event),
        Event::Account(_) | Event::Wallet(_) | Event::Draft(_) | Event::Order(_) | Event::Payment(_) => {
            vec![]
        }
    }
}

fn ai_job(job: AiJobId, event: &AiJobEvent) -> Vec<Action> {
    match event {
        AiJobEvent::Requested { job: wanted } => {
            (0..wanted.count).map(|index| Action::call(Call::GeneratePicture { job, index })).collect()
        }
        AiJobEvent::PictureGenerated { index, credits, customer, .. } => {
            let command = WalletCommand::Capture { job, index: *index, credits: *credits };
            vec![wallet(*customer, command)]
        }
        // Settles what a late or lost capture left open, and gives back the rest.
        AiJobEvent::Finished { delivered, customer, draft, .. } => {
            let settle = WalletCommand::Settle { job, delivered: delivered.clone() };
            let delivered = u8::try_from(delivered.len()).unwrap_or(u8::MAX);
            vec![wallet(*customer, settle), end(*draft, job, delivered)]
        }
        AiJobEvent::PictureBegun { .. }
        | AiJobEvent::PictureDeferred { .. }
        | AiJobEvent::PictureFailed { .. } => vec![],
    }
}

fn wallet(id: AccountId, command: WalletCommand) -> Action {
    Action::Do { command: Command::Wallet { id, command } }
}

fn end(id: DraftId, job: AiJobId, delivered: u8) -> Action {
    Action::Do { command: Command::Draft { id, command: DraftCommand::EndGeneration { job, delivered } } }
}
