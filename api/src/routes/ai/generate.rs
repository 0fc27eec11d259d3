//! `POST /drafts/{id}/ai/generate` and `/regen`: draft, wallet and job change in one commit, or nothing does.

use crate::Problem;
use crate::error::Fields;
use crate::extract::{Body, OptionalBody, PathId, whole, whole_option};
use crate::idempotency::fingerprint;
use crate::limits::Limits;
use crate::routes::acting::Acting;
use crate::routes::drafts;
use crate::wait::SeenAt;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ai_job::{Job, PICTURES_MAX, PROMPT_CHARS_MAX};
use domain::{AccountId, AiJobCommand, AiJobId, Command, DraftCommand, DraftId, WalletCommand, prices};
use journal::{CommandError, Commands, Rider};
use projections::ai_jobs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use utoipa::ToSchema;

/// Pictures of a job when the caller names no number.
const PICTURES_DEFAULT: u8 = 3;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct GenerateBody {
    /// What the picture shows, 1 to 2000 characters; `prompt` is accepted as well
    #[serde(alias = "prompt")]
    #[schema(min_length = 1, max_length = 2000, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    user_prompt: String,
    /// 1 to 4, default 3; does not change the price
    #[serde(default = "pictures_default", deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 4)]
    count: u8,
    /// What it must not show
    #[schema(min_length = 1, max_length = 2000)]
    negative_prompt: Option<String>,
}

fn pictures_default() -> u8 {
    PICTURES_DEFAULT
}

#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RegenerateBody {
    /// 1 to 4; as many as last time when absent
    #[serde(default, deserialize_with = "whole_option")]
    #[schema(minimum = 1, maximum = 4)]
    count: Option<u8>,
}

/// Accepted; ask for the results. `cached` marks a repeat under the same `Idempotency-Key`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Accepted {
    ok: bool,
    #[schema(value_type = String)]
    job_id: AiJobId,
    cost: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
}

/// What is asked for; also what tells a repeat from another request under the same key.
#[derive(Serialize)]
struct Wanted {
    prompt: String,
    negative_prompt: Option<String>,
    count: u8,
}

impl Wanted {
    fn checked(self) -> Result<Self, Problem> {
        let mut fields = Fields::new();
        fields.length("userPrompt", self.prompt.trim(), 1, PROMPT_CHARS_MAX);
        if let Some(negative) = &self.negative_prompt {
            fields.length("negativePrompt", negative, 1, PROMPT_CHARS_MAX);
        }
        fields.require((1..=PICTURES_MAX).contains(&self.count), "count", "picture_count");
        fields.finish()?;
        Ok(self)
    }
}

/// Makes pictures from a description.
#[utoipa::path(post, path = "/{id}/ai/generate", operation_id = "generate_pictures", tag = "ai",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    request_body = GenerateBody,
    responses((status = 202, body = Accepted),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"),
        (status = 402, description = "`insufficient_credits`; `need` says how many are missing"),
        (status = 404, description = "`draft_not_found`"),
        (status = 409, description = "`draft_busy`, `draft_not_by_ai`, `draft_already_committed`, \
            `draft_canceled`, `idempotency_key_reused`"),
        (status = 429, description = "`rate_limited`")))]
pub(super) async fn generate(
    acting: Acting,
    limits: Limits,
    State(commands): State<Commands>,
    PathId(draft): PathId<DraftId>,
    Body(body): Body<GenerateBody>,
) -> Result<Response, Problem> {
    allowed(&limits, acting.by, draft).await?;
    let wanted =
        Wanted { prompt: body.user_prompt, negative_prompt: body.negative_prompt, count: body.count };
    let generation = Generation { commands, acting, draft };
    generation.begin("generate", wanted.checked()?).await
}

/// Makes other pictures from the last description.
#[utoipa::path(post, path = "/{id}/ai/regen", operation_id = "regenerate_pictures", tag = "ai",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    request_body = Option<RegenerateBody>,
    responses((status = 202, body = Accepted),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"),
        (status = 402, description = "`insufficient_credits`; `need` says how many are missing"),
        (status = 404, description = "`draft_not_found`"),
        (status = 409, description = "`no_earlier_generation`, `draft_busy`, `draft_not_by_ai`, \
            `draft_already_committed`, `draft_canceled`, `idempotency_key_reused`"),
        (status = 429, description = "`rate_limited`")))]
pub(super) async fn regenerate(
    acting: Acting,
    limits: Limits,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    PathId(draft): PathId<DraftId>,
    OptionalBody(body): OptionalBody<RegenerateBody>,
) -> Result<Response, Problem> {
    let by = acting.by;
    allowed(&limits, by, draft).await?;
    drafts::open(&commands, draft, by).await?;
    let last = ai_jobs::last_of_draft(&pool, draft, by).await?;
    let last = last.ok_or_else(|| Problem::conflict("no_earlier_generation"))?;
    let wanted = Wanted {
        prompt: last.prompt,
        negative_prompt: last.negative_prompt,
        count: body.unwrap_or_default().count.unwrap_or(last.count),
    };
    let generation = Generation { commands, acting, draft };
    generation.begin("regen", wanted.checked()?).await
}

/// Counted per account and per draft, repeats included.
async fn allowed(limits: &Limits, by: AccountId, draft: DraftId) -> Result<(), Problem> {
    limits.take(limits.rules().ai_account, &by.to_string()).await?;
    limits.take(limits.rules().ai_draft, &format!("{by} {draft}")).await
}

struct Generation {
    commands: Commands,
    acting: Acting,
    draft: DraftId,
}

impl Generation {
    async fn begin(self, kind: &str, wanted: Wanted) -> Result<Response, Problem> {
        let by = self.acting.by;
        let route = format!("ai.{kind} {}", self.draft);
        let ids = self.acting.creation(&route);
        let job = AiJobId(ids.id);
        let fingerprint = fingerprint(&wanted).map_err(Problem::internal)?;
        let cost = match drafts::open(&self.commands, self.draft, by).await {
            Ok(open) => prices::generation(open.generations),
            // A repeat whose draft was ordered meanwhile still gets its first answer from the commit below.
            Err(problem) if self.acting.key.0.is_none() || problem.code == "draft_not_found" => {
                return Err(problem);
            }
            Err(_) => 0,
        };
        let answer = Accepted { ok: true, job_id: job, cost, cached: None };
        let answer = serde_json::to_value(answer).map_err(Problem::internal)?;
        let record =
            self.acting.key.record(by, &route, &wanted, answer.clone()).map_err(Problem::internal)?;
        let rider = Rider { idempotency: record, ..Rider::default() };
        let origin = self.acting.context.by_repeatable(by, ids.command_id);
        match self.commands.execute(self.unit(job, cost, wanted), &origin, rider).await {
            Ok(committed) => Ok(accepted(Some(committed.position), answer)),
            Err(CommandError::IdempotencyKeyUsed { stored }) if stored.record.fingerprint == fingerprint => {
                let mut answer = stored.record.answer;
                answer["cached"] = Value::Bool(true);
                Ok(accepted(stored.position, answer))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn unit(&self, job: AiJobId, cost: u32, wanted: Wanted) -> Vec<Command> {
        let by = self.acting.by;
        let request = Job {
            draft: self.draft,
            customer: by,
            prompt: wanted.prompt,
            negative_prompt: wanted.negative_prompt,
            count: wanted.count,
            cost,
            seed: seed(job),
        };
        let begin = DraftCommand::BeginGeneration { by, job, cost };
        let reserve = WalletCommand::Reserve { job, credits: cost };
        vec![
            Command::Draft { id: self.draft, command: begin },
            Command::Wallet { id: by, command: reserve },
            Command::AiJob { id: job, command: AiJobCommand::Request(request) },
        ]
    }
}

fn accepted(position: Option<i64>, answer: Value) -> Response {
    let position = position.map(SeenAt);
    (StatusCode::ACCEPTED, position, Json(answer)).into_response()
}

/// Follows from the job, so that a repeat asks for the same pictures; 31 bits leave room for the next ones.
fn seed(job: AiJobId) -> u32 {
    let (_, _, _, tail) = job.0.as_fields();
    u32::from_be_bytes([tail[4] & 0x7f, tail[5], tail[6], tail[7]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn seeds_follow_from_the_job_and_leave_room_for_the_next_pictures() {
        let one = seed(AiJobId(Uuid::from_u128(u128::MAX)));
        assert_eq!(one, u32::MAX >> 1);
        assert_ne!(seed(AiJobId(Uuid::from_u128(1))), seed(AiJobId(Uuid::from_u128(2))));
    }

    #[test]
    fn a_prompt_has_words_and_a_job_has_one_to_four_pictures() {
        let wanted = |prompt: &str, count| {
            Wanted { prompt: prompt.into(), negative_prompt: None, count }.checked().map(|_| ())
        };
        assert!(wanted("bir kedi", 4).is_ok());
        assert!(wanted("   ", 1).is_err());
        assert!(wanted("bir kedi", 0).is_err());
        assert!(wanted("bir kedi", 5).is_err());
    }
}
