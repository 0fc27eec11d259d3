//! Answers to requests with an `Idempotency-Key`, for their repeats. What was created stands in the journal, under ids
//! that follow from the key: a row that is lost costs nothing but the handler's work.

use crate::mac::{Label, mac};
use sqlx::types::Json;
use sqlx::{FromRow, PgExecutor};
use time::OffsetDateTime;
use uuid::Uuid;

pub type Digest = [u8; 32];

/// A digest that only this service can make, of parts that cannot be mistaken for others.
pub fn digest(server_secret: &[u8], purpose: &str, parts: &[&[u8]]) -> Digest {
    let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
    let mut all: Vec<&[u8]> = vec![purpose.as_bytes(), b":"];
    for (length, part) in lengths.iter().zip(parts) {
        all.extend([length.as_slice(), part]);
    }
    mac(server_secret, Label::IdempotentAnswer, &all)
}

/// A key that was used, and the answer once there is one.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Used {
    pub fingerprint: Vec<u8>,
    pub status: Option<i16>,
    pub headers: Option<Json<Vec<(String, String)>>>,
    pub body: Option<Vec<u8>>,
}

/// Takes a key that nobody has, or whose time is over; answers whether this claim has it now.
pub async fn take(
    executor: impl PgExecutor<'_>,
    key: &Digest,
    fingerprint: &Digest,
    claim: Uuid,
    until: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query(
        "INSERT INTO idempotent_answers AS a (key, fingerprint, claim, ends_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (key) DO UPDATE SET fingerprint = $2, claim = $3, ends_at = $4, \
         status = NULL, headers = NULL, body = NULL WHERE a.ends_at <= $5",
    )
    .bind(key.as_slice())
    .bind(fingerprint.as_slice())
    .bind(claim)
    .bind(until)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(result.rows_affected() > 0)
}

/// What is known of a key.
pub async fn get(executor: impl PgExecutor<'_>, key: &Digest) -> Result<Option<Used>, sqlx::Error> {
    sqlx::query_as("SELECT fingerprint, status, headers, body FROM idempotent_answers WHERE key = $1")
        .bind(key.as_slice())
        .fetch_optional(executor)
        .await
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: i16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Keeps the answer, unless another claim has the key by now.
pub async fn finish(
    executor: impl PgExecutor<'_>,
    key: &Digest,
    claim: Uuid,
    answer: &Answer,
    until: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE idempotent_answers SET status = $3, headers = $4, body = $5, ends_at = $6 \
         WHERE key = $1 AND claim = $2",
    )
    .bind(key.as_slice())
    .bind(claim)
    .bind(answer.status)
    .bind(Json(&answer.headers))
    .bind(&answer.body)
    .bind(until)
    .execute(executor)
    .await?;
    Ok(())
}

/// Gives the key back: a repeat is a new attempt.
pub async fn release(executor: impl PgExecutor<'_>, key: &Digest, claim: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM idempotent_answers WHERE key = $1 AND claim = $2")
        .bind(key.as_slice())
        .bind(claim)
        .execute(executor)
        .await?;
    Ok(())
}

/// Removes what has served its time; at most `limit`, and answers how many.
pub async fn delete_ended(
    executor: impl PgExecutor<'_>,
    now: OffsetDateTime,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query(
        // Once more outside: a key may be taken anew in between.
        "DELETE FROM idempotent_answers WHERE ends_at <= $1 AND key IN \
         (SELECT key FROM idempotent_answers WHERE ends_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .bind(limit)
    .execute(executor)
    .await?;
    Ok(result.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(parts: &[&[u8]]) -> Digest {
        digest(b"secret", "request", parts)
    }

    #[test]
    fn a_digest_needs_the_secret_and_has_a_purpose() {
        let one = digest(b"s", "key", &[b"a"]);
        assert_ne!(one, digest(b"t", "key", &[b"a"]));
        assert_ne!(one, digest(b"s", "request", &[b"a"]));
    }

    proptest! {
        #[test]
        fn bytes_do_not_move_from_one_part_to_the_next(all: Vec<u8>, one: usize, other: usize) {
            let (one, other) = (one % (all.len() + 1), other % (all.len() + 1));
            let (a, b) = (all.split_at(one), all.split_at(other));
            prop_assert_eq!(of(&[a.0, a.1]) == of(&[b.0, b.1]), one == other);
        }

        #[test]
        fn other_bytes_are_another_request(one: Vec<u8>, other: Vec<u8>) {
            prop_assert_eq!(of(&[&one]) == of(&[&other]), one == other);
        }
    }
}
