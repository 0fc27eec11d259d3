//! Answers that were given under a key, and the keys of requests that still run; shared by all processes.

use crate::middleware::is_secret;
use crate::state::AppState;
use crate::{ApiConfig, Chance, Problem};
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::FromRef;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journal::Clock;
use journal::tables::idempotent_answers::{self as table, Digest, Used};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How long an answer is kept.
const KEPT: time::Duration = time::Duration::DAY;
/// When a key is free again although nobody gave it back: its process has died. Longer than the time of a
/// request; should one run longer all the same, two of them write the same ids.
const LEASE: time::Duration = time::Duration::seconds(40);
/// How long a repeat waits for the first request, and how often it looks.
const WAIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);
/// When a repeat that waited in vain may come again, in seconds.
const RETRY_AFTER_S: u32 = 1;
/// Larger answers are not kept; the handler makes them again.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// What is kept of the headers; the others belong to one answer or are made around every handler.
const HEADERS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::LOCATION, header::ETAG, crate::wait::X_JOURNAL_POSITION];

/// One request as its repeats look, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeatable {
    key: Digest,
    fingerprint: Digest,
}

impl Repeatable {
    /// `owner` is whose keys these are. Without one, nobody but who knows the whole request finds its answer.
    pub fn new(config: &ApiConfig, owner: Option<&str>, key: &str, request: [&[u8]; 3]) -> Self {
        let secret = config.server_secret.bytes();
        let fingerprint = table::digest(secret, "request", &request);
        let key = match owner {
            Some(owner) => table::digest(secret, "key", &[owner.as_bytes(), key.as_bytes()]),
            None => table::digest(secret, "anonymous key", &[&fingerprint, key.as_bytes()]),
        };
        Self { key, fingerprint }
    }
}

/// What a request under a key has to do.
pub enum Turn {
    /// It is the first.
    Run(Claim),
    /// The answer of the first.
    Replay(Response),
}

#[derive(Clone)]
pub struct StoredAnswers {
    pool: PgPool,
    clock: Clock,
    chance: Chance,
    pub config: Arc<ApiConfig>,
}

/// A key that this request has.
pub struct Claim {
    answers: StoredAnswers,
    of: Repeatable,
    id: Uuid,
}

impl FromRef<AppState> for StoredAnswers {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            clock: state.clock.clone(),
            chance: state.chance,
            config: Arc::clone(&state.config),
        }
    }
}

impl StoredAnswers {
    pub async fn turn(&self, of: Repeatable) -> Result<Turn, Problem> {
        let (id, end) = (self.chance.id(), Instant::now() + WAIT);
        loop {
            let now = self.clock.now();
            let taken = table::take(&self.pool, &of.key, &of.fingerprint, id, now + LEASE, now).await;
            if taken.map_err(away)? {
                return Ok(Turn::Run(Claim { answers: self.clone(), of, id }));
            }
            match table::get(&self.pool, &of.key).await.map_err(away)? {
                Some(used) if used.fingerprint != of.fingerprint => {
                    return Err(Problem::conflict("idempotency_key_reused"));
                }
                Some(used) if used.status.is_some() => return replayed(used).map(Turn::Replay),
                Some(_) if Instant::now() >= end => {
                    return Err(Problem::conflict("idempotency_in_progress").with_retry_after(RETRY_AFTER_S));
                }
                Some(_) => tokio::time::sleep(POLL).await,
                // Given back in between.
                None => {}
            }
        }
    }
}

impl Claim {
    /// Keeps an answer that every repeat shall get; gives the key back after any other.
    pub async fn settle(self, response: Response) -> Response {
        if !is_final(&response) {
            self.release().await;
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(bytes) = to_bytes(body, BODY_BYTES_MAX).await else {
            self.release().await;
            return Problem::internal("an answer of known size could not be read").into_response();
        };
        let kept = |name: &HeaderName| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        };
        let answer = table::Answer {
            status: parts.status.as_u16().cast_signed(),
            headers: HEADERS.iter().filter_map(kept).collect(),
            body: bytes.to_vec(),
        };
        let (pool, until) = (&self.answers.pool, self.answers.clock.now() + KEPT);
        if let Err(error) = table::finish(pool, &self.of.key, self.id, &answer, until).await {
            tracing::warn!(%error, "an answer could not be kept; a repeat makes it again");
        }
        Response::from_parts(parts, Body::from(bytes))
    }

    /// Without an answer.
    pub async fn release(self) {
        if let Err(error) = table::release(&self.answers.pool, &self.of.key, self.id).await {
            tracing::warn!(%error, "a key could not be given back; it is free again in some seconds");
        }
    }
}

/// Success that is not a secret. A refusal has created nothing and may look different next time; what says
/// `Retry-After` is not the last word.
fn is_final(response: &Response) -> bool {
    let headers = response.headers();
    let secret = headers.contains_key(header::SET_COOKIE) || is_secret(headers);
    let small = response.body().size_hint().exact().is_some_and(|size| size <= BODY_BYTES_MAX as u64);
    response.status().is_success() && !secret && small && !headers.contains_key(header::RETRY_AFTER)
}

fn replayed(used: Used) -> Result<Response, Problem> {
    let status = used.status.and_then(|status| StatusCode::from_u16(status.cast_unsigned()).ok());
    let status = status.ok_or_else(|| Problem::internal("a stored answer has no status"))?;
    let mut response = (status, Body::from(used.body.unwrap_or_default())).into_response();
    let headers = response.headers_mut();
    for (name, value) in used.headers.map_or_else(Vec::new, |headers| headers.0) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// The database is away for a moment; nothing was done.
fn away(error: sqlx::Error) -> Problem {
    Problem::unavailable("store_unavailable", RETRY_AFTER_S).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use axum::Json;

    fn of(owner: Option<&str>, key: &str, body: &[u8]) -> Repeatable {
        Repeatable::new(&config(), owner, key, [b"POST", b"/drafts", body])
    }

    #[test]
    fn an_account_has_its_own_keys_and_tells_bodies_apart() {
        let (one, other) = (of(Some("a"), "k", b"1"), of(Some("a"), "k", b"2"));
        assert_eq!(one.key, other.key);
        assert_ne!(one.fingerprint, other.fingerprint);
        assert_ne!(one.key, of(Some("b"), "k", b"1").key);
    }

    #[test]
    fn without_an_account_only_the_same_request_finds_the_answer() {
        assert_eq!(of(None, "k", b"1"), of(None, "k", b"1"));
        assert_ne!(of(None, "k", b"1").key, of(None, "k", b"2").key);
        assert_ne!(of(None, "k", b"1").key, of(Some(""), "k", b"1").key);
    }

    #[test]
    fn secrets_refusals_and_what_comes_later_are_not_kept() {
        let with =
            |name: HeaderName, value: &'static str| is_final(&([(name, value)], Json(1)).into_response());
        assert!(is_final(&(StatusCode::CREATED, Json(1)).into_response()));
        assert!(!is_final(&Problem::conflict("draft_busy").into_response()));
        assert!(!is_final(&StatusCode::SERVICE_UNAVAILABLE.into_response()));
        assert!(!with(header::SET_COOKIE, "access=x"));
        assert!(!with(header::CACHE_CONTROL, "no-store"));
        assert!(!with(header::CACHE_CONTROL, "private, no-store"));
        assert!(!with(header::RETRY_AFTER, "5"));
    }
}
