//! What an operator asks from the command line, against the database alone.

use super::BoxError;
use super::progress::Meter;
use crate::cli::{DatabaseArgs, JournalCommand};
use crate::dev::state::read_endpoints;
use crate::terminal::line;
use journal::{ConnectOptions, leaf, read};
use sqlx::PgPool;

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
    let meter = Meter::new("journal");
    let result = leaf::verify(&pool, 0, |done| meter.at(done, head)).await;
    meter.end();
    let result = result?;
    match result.bad {
        None => {
            line(format!("{} events, every hash recomputed and right", result.events));
            Ok(())
        }
        Some(bad) => Err(format!("the journal was altered; the first bad event: {bad:?}").into()),
    }
}

/// The database that was named, else that of the running stack.
pub(super) async fn connect(args: &DatabaseArgs) -> Result<PgPool, BoxError> {
    let url = match &args.database_url {
        Some(url) => url.clone(),
        None => read_endpoints(&args.state)?
            .map(|endpoints| endpoints.database_url)
            .ok_or("no database: set DATABASE_URL, or start the service with ./run in another terminal")?,
    };
    Ok(journal::connect(&url, &ConnectOptions::default()).await?)
}
