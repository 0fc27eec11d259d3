//! One picture from the image provider. A call may be charged although its answer is lost, so each is begun in
//! the journal first, and the bytes are stored before anything else is done with them.

use super::{EffectError, Effects, Origin, refused_with};
use crate::integrations::CallError;
use crate::integrations::images::rendition::{MARK_TEXT, Mark};
use crate::integrations::images::{AspectRatio, GenerateRequest};
use crate::integrations::storage::Area;
use bytes::Bytes;
use domain::ai_job::{AiJob, Generated, Job};
use domain::{AiJobCommand, AiJobId, Command, ImageId, ids};
use journal::Rider;
use sha2::{Digest, Sha256};

/// Print covers are upright.
const ASPECT_RATIO: AspectRatio = AspectRatio::Tall2x3;

impl Effects {
    pub(super) async fn generate_picture(
        &self,
        job_id: AiJobId,
        index: u8,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let AiJob::Running { job, .. } = self.commands.state::<AiJob>(&job_id.to_string()).await? else {
            return Ok("settled_before");
        };
        let picture = Wanted { job_id, index, job: &job };
        let original = match self.private_file(&picture.original_key()).await? {
            // An earlier try got this far: never ask, and pay, again.
            Some(bytes) => bytes,
            None => match self.ask_for(&picture, origin).await? {
                Asked::Got(bytes) => bytes,
                Asked::Over(outcome) => return Ok(outcome),
            },
        };
        self.publish(&picture, original, origin).await
    }

    /// Intent, call, bytes on disk.
    async fn ask_for(&self, picture: &Wanted<'_>, origin: &Origin) -> Result<Asked, EffectError> {
        let begin = AiJobCommand::BeginPicture { index: picture.index };
        match self.record_picture(picture, begin, origin, &format!("begin-{}", origin.attempt)).await {
            Ok(()) => {}
            Err(EffectError::Command(error)) if refused_with(&error, "picture_settled") => {
                return Ok(Asked::Over("settled_before"));
            }
            Err(EffectError::Command(error)) if refused_with(&error, "picture_attempts_used_up") => {
                // Every allowed call may have been charged and none has answered.
                return self.fail_picture(picture, "provider_unclear", origin).await;
            }
            Err(error) => return Err(error),
        }
        match self.images.generate(&picture.request()).await {
            Ok(answer) => self.keep(picture, answer.bytes).await,
            Err(CallError::Rejected { code, .. }) => self.fail_picture(picture, &code, origin).await,
            Err(error) => {
                let may_have_acted = matches!(error, CallError::Retry { ambiguous: true, .. });
                if !may_have_acted {
                    let defer = AiJobCommand::DeferPicture { index: picture.index };
                    self.record_picture(picture, defer, origin, &format!("defer-{}", origin.attempt)).await?;
                }
                Err(error.into())
            }
        }
    }

    /// Bytes that do not decode are no picture; the call is spent, another may be left.
    async fn keep(&self, picture: &Wanted<'_>, bytes: Bytes) -> Result<Asked, EffectError> {
        if let Err(error) = self.renderer.inspect(bytes.clone()).await {
            let pause = std::time::Duration::from_secs(1);
            return Err(CallError::ambiguous(pause, format!("the picture is damaged: {error}")).into());
        }
        self.storage.put_new(Area::Private, &picture.original_key(), bytes.clone()).await?;
        Ok(Asked::Got(bytes))
    }

    async fn publish(
        &self,
        picture: &Wanted<'_>,
        original: Bytes,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let mark = Mark { text: MARK_TEXT.into(), offset_seed: u64::from(picture.seed()) };
        let renditions = self
            .renderer
            .render(original.clone(), mark)
            .await
            .map_err(|error| EffectError::Document(error.to_string()))?;
        let sha256 = hex::encode(Sha256::digest(&original));
        let image = picture.image_id();
        let preview_key = format!("ai/{image}.jpg");
        let thumbnail_key = format!("ai/{image}-thumb.jpg");
        self.put_rendition(&preview_key, renditions.preview_jpeg).await?;
        self.put_rendition(&thumbnail_key, renditions.thumbnail_jpeg).await?;
        let generated = Generated {
            image,
            original_key: picture.original_key(),
            preview_key,
            thumbnail_key,
            sha256,
            width: renditions.picture.width,
            height: renditions.picture.height,
        };
        let command = AiJobCommand::RecordPicture { index: picture.index, picture: generated };
        self.record_picture(picture, command, origin, "record").await?;
        Ok("generated")
    }

    /// Another release may draw other pixels: what an earlier try has published stays.
    async fn put_rendition(&self, key: &str, jpeg: Vec<u8>) -> Result<(), EffectError> {
        if !self.storage.exists(Area::Public, key).await? {
            self.storage.put_new(Area::Public, key, jpeg.into()).await?;
        }
        Ok(())
    }

    async fn fail_picture(
        &self,
        picture: &Wanted<'_>,
        reason: &str,
        origin: &Origin,
    ) -> Result<Asked, EffectError> {
        let command = AiJobCommand::FailPicture { index: picture.index, reason: reason.into() };
        self.record_picture(picture, command, origin, "fail").await?;
        Ok(Asked::Over("failed"))
    }

    async fn record_picture(
        &self,
        picture: &Wanted<'_>,
        command: AiJobCommand,
        origin: &Origin,
        step: &str,
    ) -> Result<(), EffectError> {
        let commands = vec![Command::AiJob { id: picture.job_id, command }];
        self.execute(origin, step, commands, Rider::default()).await?;
        Ok(())
    }
}

/// What came of asking the provider.
enum Asked {
    Got(Bytes),
    Over(&'static str),
}

/// One picture of a job.
struct Wanted<'a> {
    job_id: AiJobId,
    index: u8,
    job: &'a Job,
}

impl Wanted<'_> {
    /// Found again by job and index, so that a crash after the download costs no second call.
    fn original_key(&self) -> String {
        format!("ai/{}/{}.png", self.job_id, self.index)
    }

    fn image_id(&self) -> ImageId {
        ImageId(ids::derived(&["image", &self.job_id.to_string(), &self.index.to_string()]))
    }

    fn seed(&self) -> u32 {
        self.job.seed.wrapping_add(u32::from(self.index))
    }

    fn request(&self) -> GenerateRequest {
        GenerateRequest {
            prompt: self.job.prompt.clone(),
            negative_prompt: self.job.negative_prompt.clone(),
            aspect_ratio: ASPECT_RATIO,
            seed: self.seed(),
            style: None,
            // The provider needs to tell our users apart, not to know them.
            end_user: hex::encode(Sha256::digest(self.job.customer.0.as_bytes())),
        }
    }
}
