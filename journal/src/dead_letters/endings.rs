//! How a replay ends: the attempt, its letter and the record of it change together.

use super::acts::{Author, Deed, NewAct, record_act};
use super::replays::Replay;
use super::{DeadLetter, State};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The step is done.
    Done(String),
    /// The step no longer fits what has happened since; the letter is settled.
    NothingToDo(String),
    /// The step was not tried; the letter stays open as it was.
    Refused(String),
    /// The step failed again; the letter is open with this failure.
    Failed { error: String, attempts: i32, may_have_happened: bool },
}

impl Ended {
    const fn result(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::NothingToDo(_) => "nothing_to_do",
            Self::Refused(_) => "refused",
            Self::Failed { .. } => "failed",
        }
    }

    pub fn words(&self) -> &str {
        match self {
            Self::Done(words) | Self::NothingToDo(words) | Self::Refused(words) => words,
            Self::Failed { error, .. } => error,
        }
    }

    const fn deed(&self) -> Deed {
        match self {
            Self::Done(_) | Self::NothingToDo(_) => Deed::Replayed,
            Self::Refused(_) | Self::Failed { .. } => Deed::ReplayFailed,
        }
    }
}

/// Ends a replay; false if it had ended already. Durable: operators act on it.
pub async fn finish(
    connection: &mut PgConnection,
    letter: &DeadLetter,
    replay: &Replay,
    ended: &Ended,
    author: Author<'_>,
) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let now = end(&mut transaction, letter, replay.replay, ended, author).await?;
    if let (true, Some(batch), Some(failures_max), Deed::ReplayFailed) =
        (now, replay.batch, replay.failures_max, ended.deed())
    {
        withdraw_after(&mut transaction, batch, failures_max, author.at).await?;
    }
    transaction.commit().await?;
    Ok(now)
}

/// Within a transaction.
pub(super) async fn end(
    connection: &mut PgConnection,
    letter: &DeadLetter,
    replay: i32,
    ended: &Ended,
    author: Author<'_>,
) -> Result<bool, sqlx::Error> {
    if !close(&mut *connection, letter.id, replay, ended, author.at).await? {
        return Ok(false);
    }
    let mut after = json!({ "result": ended.result(), "outcome": ended.words() });
    match ended {
        Ended::Done(words) | Ended::NothingToDo(words) => {
            super::resolve(&mut *connection, letter.id, State::Replayed, words, author.at).await?;
        }
        Ended::Failed { error, attempts, .. } => {
            fail_again(&mut *connection, letter.id, error, *attempts, author.at).await?;
            after["attempts"] = json!(attempts);
        }
        Ended::Refused(_) => {}
    }
    let act = NewAct {
        letter_id: letter.id,
        deed: ended.deed(),
        author,
        replay: Some(replay),
        before: Some(json!({ "error": letter.error, "attempts": letter.attempts })),
        after: Some(after),
    };
    record_act(connection, &act).await?;
    Ok(true)
}

async fn close(
    connection: &mut PgConnection,
    letter: Uuid,
    replay: i32,
    ended: &Ended,
    at: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let may_have_happened = matches!(ended, Ended::Failed { may_have_happened: true, .. });
    let result = sqlx::query(
        "UPDATE dead_letter_replays SET finished_at = $3, result = $4, outcome = $5, \
           may_have_happened = $6 \
         WHERE letter_id = $1 AND replay = $2 AND finished_at IS NULL",
    )
    .bind(letter)
    .bind(replay)
    .bind(at)
    .bind(ended.result())
    .bind(ended.words())
    .bind(may_have_happened)
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

async fn fail_again(
    connection: &mut PgConnection,
    letter: Uuid,
    error: &str,
    attempts: i32,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE dead_letters SET error = $2, attempts = $3, last_at = greatest(last_at, $4) \
         WHERE id = $1 AND state = 'open'",
    )
    .bind(letter)
    .bind(error)
    .bind(attempts)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes back what is left of a batch once enough of it has failed; what was begun is let end.
async fn withdraw_after(
    connection: &mut PgConnection,
    batch: Uuid,
    failures_max: i32,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH failed AS ( \
           SELECT count(*) AS failures FROM dead_letter_replays \
           WHERE batch = $1 AND result IN ('failed', 'refused') \
         ), withdrawn AS ( \
           UPDATE dead_letter_replays SET finished_at = $3, result = 'withdrawn', \
             outcome = 'withdrawn: ' || failures || ' replays of its batch have failed' FROM failed \
           WHERE batch = $1 AND finished_at IS NULL AND starts = 0 AND failures >= $2 \
           RETURNING letter_id, replay, requested_by, outcome \
         ) INSERT INTO dead_letter_acts (letter_id, at, act, by, reason, replay) \
         SELECT letter_id, $3, 'replay_withdrawn', requested_by, outcome, replay FROM withdrawn",
    )
    .bind(batch)
    .bind(failures_max)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}
