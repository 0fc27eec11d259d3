//! One request for AI pictures. Each picture is its own call to the provider, with its own intent and outcome.

mod command;
mod event;
#[cfg(test)]
mod tests;

pub use command::AiJobCommand;
pub use event::AiJobEvent;

use crate::wallet::Delivered;
use crate::{AccountId, Decide, DraftId, ImageId, prices};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const PICTURES_MAX: u8 = 4;
pub const PROMPT_CHARS_MAX: usize = 2_000;
/// Calls that the provider may charge for, per picture: the first and one blind retry.
pub const ATTEMPTS_MAX: u8 = 2;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    pub draft: DraftId,
    pub customer: AccountId,
    pub prompt: String,
    pub negative_prompt: Option<String>,
    /// 1 to [`PICTURES_MAX`].
    pub count: u8,
    /// Credits for the whole job.
    pub cost: u32,
    /// Picture `i` is asked for with `seed + i`, so that a repeated call asks for the same picture.
    pub seed: u32,
}

/// A picture that was stored. Keys name objects in the private (original) and public (others) store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    pub image: ImageId,
    pub original_key: String,
    pub preview_key: String,
    pub thumbnail_key: String,
    /// Of the untouched original, hex.
    pub sha256: String,
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Picture {
    Begun { attempt: u8 },
    Deferred { attempt: u8 },
    Delivered { credits: u32, picture: Generated },
    Failed { reason: String },
}

/// Not tagged inside, as other states are: serde cannot read back a map with numeric keys from there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AiJob {
    #[default]
    Unknown,
    Running {
        job: Job,
        pictures: BTreeMap<u8, Picture>,
    },
    Finished {
        job: Job,
        pictures: BTreeMap<u8, Picture>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AiJobRefusal {
    #[error("there is no such job")]
    NotFound,
    #[error("a job with this id exists already, with other contents")]
    AlreadyExists,
    #[error("describe the picture, in at most {PROMPT_CHARS_MAX} characters")]
    PromptLength,
    #[error("ask for 1 to {PICTURES_MAX} pictures")]
    PictureCount,
    #[error("this job has no such picture")]
    NoSuchPicture,
    #[error("the attempts for this picture are used up")]
    AttemptsUsedUp,
    #[error("this picture is already settled")]
    PictureSettled,
}

impl AiJobRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "ai_job_not_found",
            Self::AlreadyExists => "ai_job_already_exists",
            Self::PromptLength => "prompt_length",
            Self::PictureCount => "picture_count",
            Self::NoSuchPicture => "no_such_picture",
            Self::AttemptsUsedUp => "picture_attempts_used_up",
            Self::PictureSettled => "picture_settled",
        }
    }
}

aggregate!(AiJob, "ai_job", AiJobCommand, AiJobEvent, AiJobRefusal);

impl Decide for AiJob {
    fn evolve(&mut self, event: AiJobEvent) {
        if let AiJobEvent::Requested { job } = event {
            *self = Self::Running { job, pictures: BTreeMap::new() };
            return;
        }
        let Self::Running { job, pictures } = self else { return };
        match event {
            AiJobEvent::Requested { .. } => {}
            AiJobEvent::PictureBegun { index, attempt } => {
                pictures.insert(index, Picture::Begun { attempt });
            }
            AiJobEvent::PictureDeferred { index, attempt } => {
                pictures.insert(index, Picture::Deferred { attempt });
            }
            AiJobEvent::PictureGenerated { index, credits, picture, .. } => {
                pictures.insert(index, Picture::Delivered { credits, picture });
            }
            AiJobEvent::PictureFailed { index, reason } => {
                pictures.insert(index, Picture::Failed { reason });
            }
            AiJobEvent::Finished { .. } => {
                *self = Self::Finished { job: job.clone(), pictures: std::mem::take(pictures) };
            }
        }
    }

    fn decide(&self, command: AiJobCommand) -> Result<Vec<AiJobEvent>, AiJobRefusal> {
        use AiJobCommand as C;
        match (self, command) {
            (Self::Unknown, C::Request(job)) => request(job),
            (Self::Running { job, .. } | Self::Finished { job, .. }, C::Request(again)) => {
                if *job == again {
                    Ok(vec![])
                } else {
                    Err(AiJobRefusal::AlreadyExists)
                }
            }
            (Self::Unknown, _) => Err(AiJobRefusal::NotFound),
            (Self::Running { job, pictures }, command) => running(job, pictures, command),
            (Self::Finished { .. }, C::BeginPicture { .. }) => Err(AiJobRefusal::PictureSettled),
            (
                Self::Finished { .. },
                C::DeferPicture { .. } | C::RecordPicture { .. } | C::FailPicture { .. },
            ) => Ok(vec![]),
        }
    }
}

fn request(job: Job) -> Result<Vec<AiJobEvent>, AiJobRefusal> {
    if job.prompt.trim().is_empty() || job.prompt.chars().count() > PROMPT_CHARS_MAX {
        return Err(AiJobRefusal::PromptLength);
    }
    if !(1..=PICTURES_MAX).contains(&job.count) {
        return Err(AiJobRefusal::PictureCount);
    }
    Ok(vec![AiJobEvent::Requested { job }])
}

fn running(
    job: &Job,
    pictures: &BTreeMap<u8, Picture>,
    command: AiJobCommand,
) -> Result<Vec<AiJobEvent>, AiJobRefusal> {
    match command {
        AiJobCommand::Request(_) => Err(AiJobRefusal::AlreadyExists),
        AiJobCommand::BeginPicture { index } => begin(job, pictures.get(&index), index),
        AiJobCommand::DeferPicture { index } => match pictures.get(&index) {
            Some(Picture::Begun { attempt }) => {
                Ok(vec![AiJobEvent::PictureDeferred { index, attempt: *attempt }])
            }
            None | Some(Picture::Deferred { .. } | Picture::Delivered { .. } | Picture::Failed { .. }) => {
                Ok(vec![])
            }
        },
        AiJobCommand::RecordPicture { index, picture } => {
            if settled(pictures.get(&index)) {
                return Ok(vec![]);
            }
            let credits = share(job, index)?;
            let customer = job.customer;
            Ok(with_finish(job, pictures, AiJobEvent::PictureGenerated { index, customer, credits, picture }))
        }
        AiJobCommand::FailPicture { index, reason } => {
            if settled(pictures.get(&index)) {
                return Ok(vec![]);
            }
            share(job, index)?;
            Ok(with_finish(job, pictures, AiJobEvent::PictureFailed { index, reason }))
        }
    }
}

fn begin(job: &Job, picture: Option<&Picture>, index: u8) -> Result<Vec<AiJobEvent>, AiJobRefusal> {
    share(job, index)?;
    let attempt = match picture {
        None => 1,
        Some(Picture::Deferred { attempt }) => *attempt,
        Some(Picture::Begun { attempt }) => attempt + 1,
        Some(Picture::Delivered { .. } | Picture::Failed { .. }) => return Err(AiJobRefusal::PictureSettled),
    };
    if attempt > ATTEMPTS_MAX {
        return Err(AiJobRefusal::AttemptsUsedUp);
    }
    Ok(vec![AiJobEvent::PictureBegun { index, attempt }])
}

fn settled(picture: Option<&Picture>) -> bool {
    matches!(picture, Some(Picture::Delivered { .. } | Picture::Failed { .. }))
}

fn share(job: &Job, index: u8) -> Result<u32, AiJobRefusal> {
    if index >= job.count {
        return Err(AiJobRefusal::NoSuchPicture);
    }
    Ok(prices::picture_share(job.cost, job.count, index))
}

/// The event, and `Finished` behind it when it settles the last picture.
fn with_finish(job: &Job, pictures: &BTreeMap<u8, Picture>, event: AiJobEvent) -> Vec<AiJobEvent> {
    let mut delivered: Vec<Delivered> = pictures
        .iter()
        .filter_map(|(index, picture)| match picture {
            Picture::Delivered { credits, .. } => Some(Delivered { index: *index, credits: *credits }),
            Picture::Begun { .. } | Picture::Deferred { .. } | Picture::Failed { .. } => None,
        })
        .collect();
    let settled_before = pictures.values().filter(|picture| settled(Some(picture))).count();
    if let AiJobEvent::PictureGenerated { index, credits, .. } = &event {
        delivered.push(Delivered { index: *index, credits: *credits });
        delivered.sort_by_key(|picture| picture.index);
    }
    if settled_before + 1 < usize::from(job.count) {
        return vec![event];
    }
    let failed = job.count - u8::try_from(delivered.len()).unwrap_or(job.count);
    vec![event, AiJobEvent::Finished { draft: job.draft, customer: job.customer, delivered, failed }]
}
