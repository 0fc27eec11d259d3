//! Steps that failed for good, as an operator sees them and acts on them. A replay is only asked for here; the
//! process that runs the flows does it.

mod correct;
mod replay;
mod show;

use super::BoxError;
use super::operate::connect;
use crate::cli::{AuthorArgs, DatabaseArgs, DeadLettersCommand, ListLettersArgs};
use crate::terminal::line;
use journal::dead_letters::{self, Author, DeadLetter};
use journal::{Clock, Commands, writer};
use serde_json::json;
use sqlx::PgPool;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub async fn run(command: DeadLettersCommand) -> Result<(), BoxError> {
    match command {
        DeadLettersCommand::List(args) => list(&args).await,
        DeadLettersCommand::Show { id, database } => show::run(id, &database).await,
        DeadLettersCommand::Correct(args) => correct::run(&args).await,
        DeadLettersCommand::Replay(args) => replay::run(&args).await,
        DeadLettersCommand::Discard { id, author, database } => discard(id, &author, &database).await,
    }
}

async fn list(args: &ListLettersArgs) -> Result<(), BoxError> {
    let pool = connect(&args.database).await?;
    let letters = dead_letters::list(&pool, args.flow.as_deref(), args.state, args.limit).await?;
    if letters.is_empty() && !args.json {
        line("no dead letters");
    }
    for letter in &letters {
        line(if args.json { as_json(letter).to_string() } else { one_line(letter) });
    }
    if i64::try_from(letters.len()).unwrap_or(i64::MAX) == args.limit && !args.json {
        line(format!("… the newest {}; --limit shows more", args.limit));
    }
    Ok(())
}

async fn discard(id: Uuid, author: &AuthorArgs, database: &DatabaseArgs) -> Result<(), BoxError> {
    let pool = connect(database).await?;
    let letter = letter(&pool, id).await?;
    let author = said(author)?;
    dead_letters::discard(&mut *pool.acquire().await?, &letter, author).await?;
    line(format!("{id} is discarded; its step is not done"));
    Ok(())
}

async fn letter(pool: &PgPool, id: Uuid) -> Result<DeadLetter, BoxError> {
    Ok(dead_letters::get(pool, id).await?.ok_or_else(|| format!("there is no dead letter {id}"))?)
}

fn said(author: &AuthorArgs) -> Result<Author<'_>, BoxError> {
    checked(&author.by, &author.reason)
}

/// An act without an author or a reason is no record.
fn checked<'a>(by: &'a str, reason: &'a str) -> Result<Author<'a>, BoxError> {
    if by.trim().is_empty() || reason.trim().is_empty() {
        return Err("--by and --reason must say something: they are kept with the act".into());
    }
    Ok(Author { by, reason, at: Clock::system().now() })
}

/// To look at aggregates; nothing is written, so its writer does not run.
fn reader(pool: &PgPool) -> Commands {
    let (writer, _) = writer::new(pool, CancellationToken::new());
    Commands::new(pool.clone(), writer, Clock::system())
}

fn one_line(letter: &DeadLetter) -> String {
    let position = letter.position.map_or_else(|| "-".to_owned(), |position| position.to_string());
    format!("{} {:<14} at {position:>6} {:<9} {}", letter.id, letter.flow, letter.state, letter.error)
}

fn as_json(letter: &DeadLetter) -> serde_json::Value {
    json!({
        "id": letter.id,
        "flow": letter.flow,
        "position": letter.position,
        "action_index": letter.action_index,
        "action": letter.action,
        "error": letter.error,
        "attempts": letter.attempts,
        "first_at": timestamp(letter.first_at),
        "last_at": timestamp(letter.last_at),
        "state": letter.state.as_str(),
        "resolution": letter.resolution,
        "resolved_at": letter.resolved_at.map(timestamp),
    })
}

/// With every digit that the database keeps, so that it can be given back with `--as-of`.
fn timestamp(at: OffsetDateTime) -> String {
    at.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use crate::cli::{Cli, Command, DeadLettersCommand};
    use clap::{CommandFactory, Parser};

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    fn parsed(words: &str) -> Option<DeadLettersCommand> {
        let words = ["polikrami", "dead-letters"].into_iter().chain(words.split(' '));
        match Cli::try_parse_from(words).ok()?.command {
            Command::DeadLetters(command) => Some(command),
            _ => None,
        }
    }

    #[test]
    fn nothing_is_done_without_a_word_an_author_and_a_reason() {
        Cli::command().debug_assert();
        for refused in [
            "replay",
            "replay --all --yes",
            "replay --all --yes --by ayşe",
            "replay --all --it-did-not-happen",
            "replay --flow checkout",
            &format!("replay {ID} --all"),
            &format!("replay {ID} --yes --preview --by ayşe --reason why"),
            &format!("discard {ID} --by ayşe"),
            &format!("correct {ID} --by ayşe --reason why"),
            "list --state lost",
            "list --limit 100000",
        ] {
            assert!(parsed(refused).is_none(), "{refused}");
        }
        let Some(DeadLettersCommand::Replay(args)) = parsed("replay --all --flow checkout") else {
            panic!("a preview needs no more")
        };
        assert!(args.all && !args.yes);
        assert!(parsed(&format!("correct {ID} --set delay.secs=3 --by ayşe --reason why")).is_some());
        assert!(parsed("list --state open --flow timers --json").is_some());
    }
}
