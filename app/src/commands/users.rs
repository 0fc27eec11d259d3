//! `polikrami users`: what people may do.

use super::BoxError;
use super::config::settings;
use crate::cli::{AuthorArgs, ConfigArgs, GrantedRole, UsersCommand};
use crate::terminal::line;
use api::auth::email::comparable;
use domain::account::Role;
use domain::{AccountCommand, AccountId, Command};
use journal::tables::accounts::{self, role_name};
use journal::{Clock, Commands, ConnectOptions, Context, Rider, writer};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub async fn run(command: UsersCommand) -> Result<(), BoxError> {
    let UsersCommand::Grant { email, role, author, config } = command;
    grant(&email, role_of(role), &author, &config).await
}

async fn grant(email: &str, role: Role, author: &AuthorArgs, args: &ConfigArgs) -> Result<(), BoxError> {
    if author.by.trim().is_empty() || author.reason.trim().is_empty() {
        return Err("--by and --reason must say something: they are kept with the grant".into());
    }
    let settings = settings(args)?;
    let pool = journal::connect(settings.servers.database.expose(), &ConnectOptions::default()).await?;
    let secret = settings.sessions.server_secret.expose().as_bytes();
    let row = accounts::by_email(&pool, secret, &comparable(email)).await?;
    let row = row.ok_or("no account has this address; register it first")?;
    let account = AccountId(row.id);

    let clock = Clock::system();
    let stop = CancellationToken::new();
    let (writer, writing) = writer::new(&pool, stop.clone());
    let mut running = JoinSet::new();
    running.spawn(writing);
    let commands = Commands::new(pool.clone(), writer, clock.clone());
    let context = context(&author.by);
    let command = AccountCommand::GrantRole { role, reason: author.reason.clone() };
    let unit = vec![Command::Account { id: account, command }];
    let granted = commands.execute(unit, &context, Rider::default()).await;
    stop.cancel();
    running.join_all().await;
    let granted = granted?;
    // The flow `logins` does the same, should this process end here.
    journal::roles::put_in_force(&pool, account, clock.now()).await?;
    if granted.events.is_empty() {
        line(format!("{account} is {} already", role_name(role)));
        return Ok(());
    }
    let (before, life) = (role_name(row.role.0), settings.sessions.access_life.0.as_secs());
    line(format!(
        "{account}, so far {before}, is {} from the next refresh on, within {life} s",
        role_name(role)
    ));
    Ok(())
}

fn role_of(role: GrantedRole) -> Role {
    match role {
        GrantedRole::Customer => Role::Customer,
        GrantedRole::Designer => Role::Designer,
        GrantedRole::Admin => Role::Admin,
        GrantedRole::Auditor => Role::Auditor,
    }
}

fn context(by: &str) -> Context {
    let chance = api::Chance;
    Context {
        command_id: chance.id(),
        correlation_id: chance.id(),
        causation_position: None,
        actor: format!("operator:{}", by.trim()),
        trace: None,
    }
}
