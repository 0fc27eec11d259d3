//! What an operator asks from the command line, against the database alone.

use super::BoxError;
use crate::cli::{DatabaseArgs, DeadLettersCommand, JournalCommand};
use crate::dev::state::read_endpoints;
use crate::terminal::line;
use journal::{ConnectOptions, dead_letters, leaf, read};
use sqlx::PgPool;

const LETTERS_SHOWN: i64 = 50;

pub async fn migrate(args: &DatabaseArgs) -> Result<(), BoxError> {
    let pool = connect(args).await?;
    journal::migrate::run(&pool).await?;
    line("the database is at this release's shape");
    Ok(())
}

pub async fn journal(command: JournalCommand) -> Result<(), BoxError> {
    let JournalCommand::Verify(database) = command;
    let pool = connect(&database).await?;
    let head = read::head(&pool).await?;
    let result = leaf::verify(&pool, 0, |done| progress("journal", done, head)).await?;
    match result.bad {
        None => {
            line(format!("{} events, every hash recomputed and right", result.events));
            Ok(())
        }
        Some(bad) => Err(format!("the journal was altered; the first bad event: {bad:?}").into()),
    }
}

pub async fn dead_letters(command: DeadLettersCommand) -> Result<(), BoxError> {
    let DeadLettersCommand::List(database) = command;
    let letters = dead_letters::list(&connect(&database).await?, None, None, LETTERS_SHOWN).await?;
    if letters.is_empty() {
        line("no dead letters");
    }
    for letter in letters {
        let position = letter.position.map_or_else(|| "-".to_owned(), |position| position.to_string());
        line(format!(
            "{} {:<14} at {position:>6} {:<9} {}",
            letter.id, letter.flow, letter.state, letter.error
        ));
    }
    Ok(())
}

fn progress(what: &str, done: i64, head: i64) {
    const EVERY: i64 = 50_000;
    if done > 0 && done % EVERY == 0 {
        crate::terminal::note(format!("  {what}: {done} of {head}"));
    }
}

/// The database that was named, else that of the running stack.
pub async fn connect(args: &DatabaseArgs) -> Result<PgPool, BoxError> {
    let url = match &args.database_url {
        Some(url) => url.clone(),
        None => read_endpoints(&args.state)?
            .map(|endpoints| endpoints.database_url)
            .ok_or("no database: set DATABASE_URL, or start the service with ./run in another terminal")?,
    };
    Ok(journal::connect(&url, &ConnectOptions::default()).await?)
}
