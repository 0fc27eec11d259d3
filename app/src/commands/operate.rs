//! What an operator asks from the command line, against the database alone.

use super::BoxError;
use crate::cli::{DatabaseArgs, JournalCommand, ProjectionsCommand};
use crate::dev::state::read_endpoints;
use crate::terminal::line;
use journal::{ConnectOptions, leaf, read};
use projections::State;
use sqlx::PgPool;

pub async fn migrate(args: &DatabaseArgs) -> Result<(), BoxError> {
    let pool = connect(args).await?;
    journal::migrate::run(&pool).await?;
    line("the database is at this release's shape");
    Ok(())
}

pub async fn projections(command: ProjectionsCommand) -> Result<(), BoxError> {
    match command {
        ProjectionsCommand::Status(database) => status(&connect(&database).await?).await,
        ProjectionsCommand::Rebuild { name, database } => {
            let pool = connect(&database).await?;
            let position =
                projections::rebuild(&pool, &name, |done, head| progress(&name, done, head)).await?;
            line(format!("{name} was rebuilt up to position {position} and is in place"));
            Ok(())
        }
        ProjectionsCommand::Verify { name, database } => {
            verify(&connect(&database).await?, name.as_deref()).await
        }
    }
}

async fn status(pool: &PgPool) -> Result<(), BoxError> {
    line(format!(
        "{:<16} {:>10} {:>10} {:>8} {:>8}  state",
        "read model", "position", "head", "events", "seconds"
    ));
    for one in projections::status(pool).await? {
        line(format!(
            "{:<16} {:>10} {:>10} {:>8} {:>8}  {}",
            one.name,
            one.position,
            one.head,
            one.lag_events,
            one.lag_seconds,
            state_of(&one)
        ));
    }
    Ok(())
}

fn state_of(status: &projections::Status) -> String {
    match &status.state {
        State::Live => "live".into(),
        State::New => "never started; run the role `projections`".into(),
        State::Outdated { version } => format!("written by version {version} of its fold; rebuild it"),
        State::Stopped { position, cause } => format!("stopped at {position}: {cause}"),
    }
}

async fn verify(pool: &PgPool, only: Option<&str>) -> Result<(), BoxError> {
    let mut wrong = Vec::new();
    if let Some(unknown) = only.filter(|name| projections::ReadModel::named(name).is_none()) {
        let names: Vec<&str> = projections::ALL.iter().map(|model| model.name).collect();
        return Err(format!("there is no read model {unknown}; there are {}", names.join(", ")).into());
    }
    let models = projections::ALL.iter().map(|model| model.name);
    for name in models.filter(|name| only.is_none_or(|wanted| wanted == *name)) {
        let verified = projections::verify(pool, name, |done, head| progress(name, done, head)).await?;
        match &verified.difference {
            None => line(format!("{name:<16} {} rows, all as the journal says", verified.rows)),
            Some(difference) => {
                line(format!("{name:<16} differs: {difference:?}"));
                wrong.push(name);
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{} must be rebuilt: polikrami projections rebuild NAME", wrong.join(", ")).into())
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

fn progress(what: &str, done: i64, head: i64) {
    const EVERY: i64 = 50_000;
    if done > 0 && done % EVERY == 0 {
        crate::terminal::note(format!("  {what}: {done} of {head}"));
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
