//! Read models, as an operator sees and rebuilds them.

use super::BoxError;
use super::operate::connect;
use super::progress::Meter;
use crate::cli::{ProjectionArgs, ProjectionsCommand, RebuildArgs};
use crate::terminal::line;
use projections::{
    Comparison, Differences, Options, Outcome, Pace, ReadModel, RebuildError, Second, Stage, State, Status,
};
use sqlx::PgPool;

pub async fn run(command: ProjectionsCommand) -> Result<(), BoxError> {
    match command {
        ProjectionsCommand::Status(database) => status(&connect(&database).await?).await,
        ProjectionsCommand::Rebuild(args) => rebuild(&args).await,
        ProjectionsCommand::Compare(args) => {
            let (pool, meter) = (connect(&args.database).await?, Meter::new(&args.name));
            let progress = |done, target| meter.at(done, target);
            show(&args.name, &projections::compare(&pool, known(&args.name)?, progress).await?);
            Ok(())
        }
        ProjectionsCommand::Switch { projection, accept_differences } => {
            switch(&projection, accept_differences).await
        }
        ProjectionsCommand::SwitchBack(args) => {
            let (pool, meter) = (connect(&args.database).await?, Meter::new(&args.name));
            let progress = |done, target| meter.at(done, target);
            let position = projections::switch_back(&pool, known(&args.name)?, progress).await?;
            meter.end();
            line(format!("{}: the earlier rows are live again, at position {position}", args.name));
            Ok(())
        }
        ProjectionsCommand::Discard(args) => {
            let pool = connect(&args.database).await?;
            let was = projections::discard(&pool, known(&args.name)?).await?;
            line(format!("{}: {}", args.name, if was { "dropped" } else { "there is no other generation" }));
            Ok(())
        }
        ProjectionsCommand::Verify { name, database } => {
            verify(&connect(&database).await?, name.as_deref()).await
        }
        ProjectionsCommand::Resume(args) => resume(&args).await,
        ProjectionsCommand::Skip { projection, position, reason, by } => {
            let (pool, name) = (connect(&projection.database).await?, known(&projection.name)?);
            projections::skip(&pool, name, position, &reason, &by).await?;
            line(format!("{name} goes on without the event {position}"));
            Ok(())
        }
        ProjectionsCommand::Skips(args) => skips(&args).await,
    }
}

/// The read model of that name, or an error that lists all.
fn known(name: &str) -> Result<&'static str, BoxError> {
    ReadModel::named(name).map(|model| model.name).ok_or_else(|| {
        let names: Vec<&str> = projections::ALL.iter().map(|model| model.name).collect();
        format!("there is no read model {name}; there are {}", names.join(", ")).into()
    })
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
        if let Some(second) = &one.second {
            line(format!("{:<16} {:>10} {:>39}", "  other generation", second.position, second_of(second)));
        }
    }
    Ok(())
}

fn state_of(status: &Status) -> String {
    let state = match &status.state {
        State::Live => "live".into(),
        State::New => "never started; run the role `projections`".into(),
        State::Outdated { version } => format!("written by version {version} of its fold; rebuild it"),
        State::Stopped { position, cause } => format!("stopped at {position}: {cause}"),
    };
    match status.skipped {
        0 => state,
        skipped => format!("{state} ({skipped} left out: see `projections skips {}`)", status.name),
    }
}

fn second_of(second: &Second) -> String {
    let stage = match second.stage {
        Stage::Building => "being built, or interrupted: `rebuild` goes on",
        Stage::Built => "built: `switch` puts it in place",
        Stage::Kept => "kept from before the last switch: `switch-back`",
    };
    match second.differing {
        Some(differing) => format!("{stage}; fold version {}, {differing} rows differed", second.version),
        None => format!("{stage}; fold version {}", second.version),
    }
}

async fn rebuild(args: &RebuildArgs) -> Result<(), BoxError> {
    let names: Vec<&str> = match &args.name {
        Some(name) => vec![known(name)?],
        None => projections::ALL.iter().map(|model| model.name).collect(),
    };
    let options = Options {
        pace: if args.full_speed { Pace::Full } else { Pace::Considerate },
        differences: if args.accept_differences { Differences::Accept } else { Differences::Refuse },
        switch: !args.no_switch,
    };
    let pool = connect(&args.database).await?;
    let meter = Meter::new(args.name.as_deref().unwrap_or("all"));
    let progress = |done, target| meter.at(done, target);
    let outcomes = projections::rebuild_with(&pool, &names, &options, progress).await?;
    meter.end();
    let failed = outcomes.into_iter().map(told).filter(|told| !told).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} not rebuilt").into()) }
}

/// Says what became of it; answers whether all is well.
fn told(outcome: Outcome) -> bool {
    let name = outcome.name;
    let rebuilt = match outcome.result {
        Ok(rebuilt) => rebuilt,
        Err(RebuildError::Differs { comparison, .. }) => {
            show(name, &comparison);
            line(format!(
                "{name}: not put in place; if the new rows are right: projections switch {name} --accept-differences"
            ));
            return false;
        }
        Err(error) => {
            line(format!("{name}: {}", chain(&error)));
            return false;
        }
    };
    if let Some(comparison) = &rebuilt.comparison {
        show(name, comparison);
    }
    let end = if rebuilt.switched { "is in place" } else { "stands beside the live one" };
    line(format!("{name} was rebuilt up to position {} and {end}", rebuilt.position));
    true
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn show(name: &str, comparison: &Comparison) {
    let Comparison { position, rows, differing, differences } = comparison;
    if *differing == 0 {
        line(format!("{name:<16} {rows} rows at position {position}, all the same"));
        return;
    }
    line(format!("{name:<16} {differing} of {rows} rows differ at position {position}; the first:"));
    for difference in differences {
        let text = |row: &Option<serde_json::Value>| row.as_ref().map_or("-".to_owned(), ToString::to_string);
        line(format!("  {}", difference.key));
        line(format!("    live  {}", text(&difference.live)));
        line(format!("    other {}", text(&difference.rebuilt)));
    }
}

async fn switch(args: &ProjectionArgs, accept: bool) -> Result<(), BoxError> {
    let (pool, name, meter) = (connect(&args.database).await?, known(&args.name)?, Meter::new(&args.name));
    let differences = if accept { Differences::Accept } else { Differences::Refuse };
    match projections::switch(&pool, name, differences, |done, target| meter.at(done, target)).await {
        Ok(position) => {
            meter.end();
            line(format!("{name}: the new rows are live, at position {position}"));
            Ok(())
        }
        Err(RebuildError::Differs { comparison, .. }) => {
            show(name, &comparison);
            Err("not put in place; if the new rows are right, add --accept-differences".into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn verify(pool: &PgPool, only: Option<&str>) -> Result<(), BoxError> {
    let mut wrong = Vec::new();
    let only = only.map(known).transpose()?;
    let models = projections::ALL.iter().map(|model| model.name);
    for name in models.filter(|name| only.is_none_or(|wanted| wanted == *name)) {
        let meter = Meter::new(name);
        let progress = |done, target| meter.at(done, target);
        let verified = projections::verify_at(pool, name, Pace::Considerate, progress).await?;
        meter.end();
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

async fn resume(args: &ProjectionArgs) -> Result<(), BoxError> {
    let (pool, name) = (connect(&args.database).await?, known(&args.name)?);
    if projections::resume(&pool, name).await? {
        line(format!("{name} is tried again within seconds; `projections status` shows how far it comes"));
        return Ok(());
    }
    Err(format!("{name} is not stopped").into())
}

async fn skips(args: &ProjectionArgs) -> Result<(), BoxError> {
    let (pool, name) = (connect(&args.database).await?, known(&args.name)?);
    let skips = projections::skips(&pool, name).await?;
    if skips.is_empty() {
        line(format!("{name} leaves out nothing"));
    }
    for skip in skips {
        line(format!(
            "{:>10} {} by {}: {} (was stopped by: {})",
            skip.position, skip.skipped_at, skip.skipped_by, skip.reason, skip.cause
        ));
    }
    Ok(())
}
