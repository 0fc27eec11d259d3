//! What each subcommand does.

mod config;
mod dead_letters;
mod demo;
mod dev;
mod keys;
mod operate;
mod progress;
mod projections;
mod status;
mod users;

use crate::cli::{Cli, Command, ServeArgs};
use crate::config::Role;
use crate::wiring::{Options, Service};
use crate::{telemetry, terminal};
use std::error::Error;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// An error for a person at the terminal.
pub type BoxError = Box<dyn Error + Send + Sync>;

pub async fn run(cli: Cli) -> Result<ExitCode, BoxError> {
    let log = cli.log.as_deref();
    match cli.command {
        Command::Serve(args) => {
            telemetry::start(log, None)?;
            serve(args).await
        }
        Command::Dev(args) => Box::pin(dev::run(args, log)).await,
        Command::Demo(args) => Box::pin(demo::run(args, log)).await,
        Command::Migrate(args) => operate::migrate(&args).await,
        Command::Config(command) => return config::run(&command),
        Command::Status(args) => return Ok(status::run(&args).await),
        Command::Keys(command) => keys::run(command).await,
        Command::Users(command) => users::run(command).await,
        Command::Projections(command) => projections::run(command).await,
        Command::Journal(command) => operate::journal(command).await,
        Command::DeadLetters(command) => dead_letters::run(command).await,
    }
    .map(|()| ExitCode::SUCCESS)
}

async fn serve(args: ServeArgs) -> Result<(), BoxError> {
    let mut options = Options::new(config::settings(&args.config)?);
    if !args.only.is_empty() {
        options.roles = args.only.into_iter().collect();
    }
    let roles: Vec<Role> = options.roles.iter().copied().collect();
    let service = Service::start(options).await?;
    tracing::info!(?roles, api = ?service.api, admin = %service.admin, "serving");
    stop_signal().await?;
    terminal::note("stopping; a second signal ends at once");
    tokio::select! {
        () = service.stop() => Ok(()),
        ended = stop_signal() => {
            ended?;
            Err("ended by a second signal, without waiting for what was begun".into())
        }
    }
}

/// Resolves at Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() -> Result<(), BoxError> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
