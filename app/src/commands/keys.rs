//! `polikrami keys`: the keys of access tokens.

use super::BoxError;
use super::config::settings;
use crate::cli::{ConfigArgs, KeysCommand};
use crate::config::Settings;
use crate::terminal::line;
use api::Secret;
use api::auth::keyring::{self, Rotated};
use journal::tables::signing_keys;
use journal::{Clock, ConnectOptions};
use sqlx::PgPool;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub async fn run(command: KeysCommand) -> Result<(), BoxError> {
    match command {
        KeysCommand::Rotate { at_once, config } => rotate(&config, at_once).await,
        KeysCommand::List(config) => list(&config).await,
    }
}

async fn rotate(args: &ConfigArgs, at_once: bool) -> Result<(), BoxError> {
    let (settings, pool) = open(args).await?;
    let (secret, life) =
        (Secret::new(settings.sessions.access_secret.expose()), settings.sessions.access_life.0);
    let now = Clock::system().now();
    let Rotated { kid, signs_from, others_until } =
        keyring::rotate(&pool, &secret, life, now, at_once).await?;
    line(format!("{kid} signs from {}", shown(signs_from)?));
    if at_once {
        line("all other keys end now; running processes notice within seconds");
    } else {
        line(format!("tokens of the keys before it are good until {}", shown(others_until)?));
    }
    Ok(())
}

async fn list(args: &ConfigArgs) -> Result<(), BoxError> {
    let (_, pool) = open(args).await?;
    let now = Clock::system().now();
    let keys = signing_keys::accepted(&pool, now).await?;
    let signing = keys.iter().rev().find(|key| key.signs_from <= now).map(|key| key.kid.as_str());
    for key in &keys {
        let signs = if signing == Some(&key.kid) { "signs" } else { "" };
        let from = if key.signs_from > now {
            format!("signs from {}", shown(key.signs_from)?)
        } else {
            signs.into()
        };
        let until =
            key.accepted_until.map(|until| Ok::<_, BoxError>(format!("accepted until {}", shown(until)?)));
        let state = [from, until.transpose()?.unwrap_or_default()].join("  ");
        line(format!("{}  made {}  {state}", key.kid, shown(key.created_at)?));
    }
    if keys.is_empty() {
        line("none yet; the service makes the first one when it starts");
    }
    Ok(())
}

async fn open(args: &ConfigArgs) -> Result<(Settings, PgPool), BoxError> {
    let settings = settings(args)?;
    let pool = journal::connect(settings.servers.database.expose(), &ConnectOptions::default()).await?;
    Ok((settings, pool))
}

fn shown(time: OffsetDateTime) -> Result<String, BoxError> {
    Ok(time.replace_nanosecond(0)?.format(&Rfc3339)?)
}
