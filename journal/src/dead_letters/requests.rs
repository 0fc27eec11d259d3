//! What an operator asks for. Each act and its record stand or fall together.

use super::acts::{Author, Deed, NewAct, record_act};
use super::{DeadLetter, State, get};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("there is no dead letter {0}")]
    Unknown(Uuid),
    #[error("it is {0} already")]
    Closed(State),
    #[error("it has changed since it was looked at; look again")]
    Changed,
    #[error("a replay of it was asked for and has not ended yet")]
    ReplayWaiting,
    #[error("its timer is not at rest; look again")]
    TimerBusy,
    #[error("the database did not answer")]
    Store(#[from] sqlx::Error),
}

/// How a replay is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayTerms {
    /// Asked for together with others.
    pub batch: Option<Uuid>,
    /// The rest of the batch is withdrawn after so many failures.
    pub failures_max: Option<i32>,
    /// The operator's word on attempts with an unknown end.
    pub it_did_not_happen: bool,
}

/// Asks for a replay of the letter as it was seen, and answers the replay's number.
///
/// A timer's letter is given back to its timer, which fires again: that is its replay.
pub async fn request_replay(
    connection: &mut PgConnection,
    seen: &DeadLetter,
    author: Author<'_>,
    terms: ReplayTerms,
) -> Result<i32, RequestError> {
    let mut transaction = connection.begin().await?;
    let letter = locked(&mut transaction, seen).await?;
    let replay = insert(&mut transaction, &letter, author, terms).await?;
    let error = json!({ "error": letter.error, "attempts": letter.attempts });
    let act = NewAct {
        letter_id: letter.id,
        deed: Deed::ReplayRequested,
        author,
        replay: Some(replay),
        before: Some(error),
        after: None,
    };
    record_act(&mut *transaction, &act).await?;
    if letter.flow == crate::timers::runner::NAME {
        rearm(&mut transaction, &letter, replay, author).await?;
    }
    transaction.commit().await?;
    Ok(replay)
}

/// Puts another action in the place of the stored one. Whether it may be is the flows' business.
pub async fn correct(
    connection: &mut PgConnection,
    seen: &DeadLetter,
    action: &Value,
    author: Author<'_>,
) -> Result<(), RequestError> {
    let mut transaction = connection.begin().await?;
    let letter = locked(&mut transaction, seen).await?;
    sqlx::query("UPDATE dead_letters SET action = $2 WHERE id = $1")
        .bind(letter.id)
        .bind(action)
        .execute(&mut *transaction)
        .await?;
    if letter.flow == crate::timers::runner::NAME {
        sqlx::query("UPDATE timers SET command = $2, context = $3 WHERE id = $1 AND outcome = 'dead_letter'")
            .bind(letter.id)
            .bind(&action["command"])
            .bind(&action["context"])
            .execute(&mut *transaction)
            .await?;
    }
    let act = NewAct {
        letter_id: letter.id,
        deed: Deed::Corrected,
        author,
        replay: None,
        before: Some(letter.action),
        after: Some(action.clone()),
    };
    record_act(&mut *transaction, &act).await?;
    Ok(transaction.commit().await?)
}

/// Closes the letter without doing its step.
pub async fn discard(
    connection: &mut PgConnection,
    seen: &DeadLetter,
    author: Author<'_>,
) -> Result<(), RequestError> {
    let mut transaction = connection.begin().await?;
    let letter = locked(&mut transaction, seen).await?;
    super::resolve(&mut *transaction, letter.id, State::Discarded, author.reason, author.at).await?;
    let act = NewAct {
        letter_id: letter.id,
        deed: Deed::Discarded,
        author,
        replay: None,
        before: None,
        after: None,
    };
    record_act(&mut *transaction, &act).await?;
    Ok(transaction.commit().await?)
}

/// The letter under a lock: open, as it was seen, and with no replay on its way.
async fn locked(connection: &mut PgConnection, seen: &DeadLetter) -> Result<DeadLetter, RequestError> {
    sqlx::query("SELECT id FROM dead_letters WHERE id = $1 FOR UPDATE")
        .bind(seen.id)
        .execute(&mut *connection)
        .await?;
    // A statement of its own: the lock may have been waited for, and its snapshot is older than that.
    let letter = get(&mut *connection, seen.id).await?.ok_or(RequestError::Unknown(seen.id))?;
    if letter.state != State::Open {
        return Err(RequestError::Closed(letter.state));
    }
    let is_waiting: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM dead_letter_replays WHERE letter_id = $1 AND finished_at IS NULL)",
    )
    .bind(letter.id)
    .fetch_one(connection)
    .await?;
    if is_waiting {
        return Err(RequestError::ReplayWaiting);
    }
    if letter != *seen {
        return Err(RequestError::Changed);
    }
    Ok(letter)
}

/// The letter is locked, so nobody else gives out its next number.
async fn insert(
    connection: &mut PgConnection,
    letter: &DeadLetter,
    author: Author<'_>,
    terms: ReplayTerms,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO dead_letter_replays (letter_id, replay, flow, batch, failures_max, requested_at, \
           requested_by, reason, it_did_not_happen) \
         SELECT $1, 1 + coalesce(max(replay), 0), $2, $3, $4, $5, $6, $7, $8 \
         FROM dead_letter_replays WHERE letter_id = $1 RETURNING replay",
    )
    .bind(letter.id)
    .bind(&letter.flow)
    .bind(terms.batch)
    .bind(terms.failures_max)
    .bind(author.at)
    .bind(author.by)
    .bind(author.reason)
    .bind(terms.it_did_not_happen)
    .fetch_one(connection)
    .await
}

/// Sets the timer going again under its own id, so that a firing that had happened is found by its owner.
async fn rearm(
    connection: &mut PgConnection,
    letter: &DeadLetter,
    replay: i32,
    author: Author<'_>,
) -> Result<(), RequestError> {
    const OUTCOME: &str = "given back to its timer, which fires again";
    let rearmed = sqlx::query(
        "UPDATE timers SET fired_at = NULL, outcome = NULL, attempts = 0, last_error = NULL, \
           next_attempt_at = due_at WHERE id = $1 AND outcome = 'dead_letter'",
    )
    .bind(letter.id)
    .execute(&mut *connection)
    .await?;
    if rearmed.rows_affected() != 1 {
        return Err(RequestError::TimerBusy);
    }
    let ended = super::Ended::Done(OUTCOME.to_owned());
    super::endings::end(connection, letter, replay, &ended, author).await?;
    Ok(())
}
