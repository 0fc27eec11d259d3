//! How often somebody may do something: counted in the database, for all processes together.
//!
//! | module | what it is |
//! |---|---|
//! | [`rules`] | what is limited, and how much |
//! | [`prepaid`] | points of the general limit that this process has taken in advance |
//! | here | taking points, and what the caller is told |

mod prepaid;
pub mod rules;

pub use rules::{Rule, Rules};

use crate::extract::Client;
use crate::state::AppState;
use crate::{Problem, Secret};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use journal::Clock;
use journal::tables::rate_limits::{self, Key, Use};
use prepaid::Prepaid;
use sqlx::PgPool;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Takes points.
#[derive(Clone)]
pub struct Limiter {
    pool: PgPool,
    clock: Clock,
    secret: Secret,
    pub rules: Arc<Rules>,
    prepaid: Arc<Prepaid>,
}

/// A point that was taken, and what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub rule: Rule,
    /// Uses in this window, this one included; stops beyond the second that is refused.
    pub used: u32,
    pub ends_at: OffsetDateTime,
    now: OffsetDateTime,
}

impl Taken {
    pub fn left(&self) -> u32 {
        self.rule.points.saturating_sub(self.used)
    }

    /// Whether this use is one too many.
    pub fn exceeds(&self) -> bool {
        self.used > self.rule.points
    }

    /// Whether it is the first that is one too many since the window began.
    pub fn is_first_refusal(&self) -> bool {
        self.used == self.rule.points + 1
    }

    /// Until the window ends, in whole seconds, at least one.
    pub fn wait_s(&self) -> u32 {
        u32::try_from((self.ends_at - self.now).whole_milliseconds().max(1).unsigned_abs().div_ceil(1_000))
            .unwrap_or(u32::MAX)
    }

    /// What answers one use too many.
    pub fn refusal(&self, code: &'static str) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, code)
            .with_retry_after(self.wait_s())
            .with_member("retryAfter", self.wait_s())
            .with_member("limit", self.rule.name)
    }
}

impl Limiter {
    pub fn new(pool: PgPool, clock: Clock, secret: Secret, rules: Rules) -> Self {
        Self { pool, clock, secret, rules: Arc::new(rules), prepaid: Arc::default() }
    }

    pub fn key(&self, rule: Rule, subject: &str) -> Key {
        rate_limits::key(self.secret.bytes(), rule.name, subject)
    }

    /// Takes one and says how it stands; whether it was one too many is the caller's to see.
    pub async fn take(&self, rule: Rule, subject: &str) -> Result<Taken, Problem> {
        let (key, now, block) = (self.key(rule, subject), self.clock.now(), rule.block());
        if block > 1
            && let Some((used, ends_at)) = self.prepaid.take(key, now)
        {
            return Ok(Taken { rule, used, ends_at, now });
        }
        let window = time::Duration::try_from(rule.window).map_err(Problem::internal)?;
        let (times, most) = (i32::try_from(block), i32::try_from(rule.points));
        let (times, most) = (times.map_err(Problem::internal)?, most.map_err(Problem::internal)?);
        let how = Use { times, most, window, penalty: rule.penalty };
        let count = rate_limits::take(&self.pool, key, how, now).await?;
        let used = u32::try_from(count.used).unwrap_or(u32::MAX);
        if block > 1 {
            let first = (used + 1).saturating_sub(block);
            self.prepaid.keep(key, first, block, count.ends_at, now);
            return Ok(Taken { rule, used: first, ends_at: count.ends_at, now });
        }
        Ok(Taken { rule, used, ends_at: count.ends_at, now })
    }

    /// Begins anew, for one who was right. What that was for is done: a counter that stays is no reason to say otherwise.
    pub async fn forget(&self, rule: Rule, subject: &str) {
        if let Err(error) = rate_limits::forget(&self.pool, self.key(rule, subject)).await {
            tracing::warn!(limit = rule.name, %error, "a counter stays until its window ends");
        }
    }
}

/// The limits of one request: takes points, and remembers the tightest for the answer's headers.
#[derive(Clone)]
pub struct Limits {
    limiter: Limiter,
    pub client: Client,
    seen: Seen,
}

/// What the answer tells; shared between middleware and handler.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Option<Taken>>>);

impl Seen {
    /// The one with the least left counts.
    pub fn note(&self, taken: Taken) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|seen| taken.left() <= seen.left()) {
            *seen = Some(taken);
        }
    }

    /// `RateLimit` as the IETF's draft has it, and the older names.
    pub fn write(&self, headers: &mut HeaderMap) {
        let Some(taken) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) else { return };
        let Taken { rule, ends_at, .. } = taken;
        let window = rule.window.as_secs();
        for (name, value) in [
            ("ratelimit-policy", format!("\"{}\";q={};w={window}", rule.name, rule.points)),
            ("ratelimit", format!("\"{}\";r={};t={}", rule.name, taken.left(), taken.wait_s())),
            ("x-ratelimit-limit", rule.points.to_string()),
            ("x-ratelimit-remaining", taken.left().to_string()),
            ("x-ratelimit-reset", ends_at.format(&Rfc3339).unwrap_or_default()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

impl Limits {
    pub fn new(limiter: Limiter, client: Client, seen: Seen) -> Self {
        Self { limiter, client, seen }
    }

    pub fn rules(&self) -> &Rules {
        &self.limiter.rules
    }

    pub fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// Takes one, and has the answer tell what is left.
    pub async fn count(&self, rule: Rule, subject: &str) -> Result<Taken, Problem> {
        let taken = self.limiter.take(rule, subject).await?;
        self.seen.note(taken);
        Ok(taken)
    }

    /// Refuses one use too many.
    pub async fn take(&self, rule: Rule, subject: &str) -> Result<(), Problem> {
        let taken = self.count(rule, subject).await?;
        if taken.exceeds() { Err(taken.refusal("rate_limited")) } else { Ok(()) }
    }
}

impl FromRequestParts<AppState> for Limits {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let client = Client::from_request_parts(parts, state).await?;
        let seen = parts.extensions.get::<Seen>().cloned().unwrap_or_default();
        Ok(Self::new(Limiter::from_ref(state), client, seen))
    }
}
