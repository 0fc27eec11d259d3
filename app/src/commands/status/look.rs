//! Looks at the database, and at the operators' port where one is known.

use super::findings::{Look, Service};
use crate::cli::StatusArgs;
use crate::commands::BoxError;
use crate::demo;
use crate::dev::state::read_endpoints;
use crate::snapshot::{self, Journal, Process};
use journal::ConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};
use std::time::{Duration, Instant};
use url::Url;

/// Of one look; a server that hangs must not hang the screen.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// A pool waits for a server that refuses; who looks wants to know at once.
const ACQUIRE_MAX: Duration = Duration::from_millis(500);

pub struct Looker {
    database_url: String,
    admin: Option<Url>,
    pool: Option<PgPool>,
    http: reqwest::Client,
    started: Instant,
}

impl Looker {
    pub fn new(args: &StatusArgs) -> Result<Self, BoxError> {
        let running = read_endpoints(&args.database.state)?;
        let (database_url, found) = match (&args.database.database_url, running) {
            // Of another database the running stack knows nothing.
            (Some(url), Some(running)) if *url != running.database_url => (url.clone(), None),
            (_, Some(running)) => (running.database_url, Some(running.admin)),
            (Some(url), None) => (url.clone(), None),
            (None, None) => {
                return Err(
                    "no database: set DATABASE_URL, or start the service with ./run in another terminal"
                        .into(),
                );
            }
        };
        let admin = match &args.admin_url {
            Some(url) => Some(url.clone()),
            None => found.map(|url| Url::parse(&url)).transpose()?,
        };
        Ok(Self { database_url, admin, pool: None, http: demo::client()?, started: Instant::now() })
    }

    pub async fn look(&mut self) -> Look {
        let service = service(self.http.clone(), self.admin.clone());
        let (service, database) = tokio::join!(service, self.database());
        let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Look { at_ms, database, service }
    }

    async fn database(&mut self) -> Result<Journal, String> {
        let seen = match tokio::time::timeout(LOOK_MAX, self.ask()).await {
            Ok(Ok(journal)) => return Ok(journal),
            // A kept connection may be broken while the server is well again, and a pool does not say why.
            Ok(Err(_)) => {
                self.pool = None;
                tokio::time::timeout(LOOK_MAX, self.ask()).await
            }
            Err(late) => Err(late),
        };
        match seen {
            Ok(Ok(journal)) => Ok(journal),
            Ok(Err(error)) => {
                self.pool = None;
                Err(error.to_string())
            }
            Err(_) => {
                self.pool = None;
                Err(format!("no answer within {} s", LOOK_MAX.as_secs()))
            }
        }
    }

    async fn ask(&mut self) -> Result<Journal, sqlx::Error> {
        if let Some(pool) = &self.pool {
            return snapshot::look(pool).await;
        }
        PgConnection::connect(&self.database_url).await?.close().await?;
        let options = ConnectOptions {
            connections_max: 1,
            acquire_timeout: ACQUIRE_MAX,
            statement_timeout: LOOK_MAX,
            application_name: "polikrami status".into(),
            ..ConnectOptions::default()
        };
        let pool = journal::connect(&self.database_url, &options).await?;
        self.pool = Some(pool.clone());
        snapshot::look(&pool).await
    }
}

async fn service(http: reqwest::Client, admin: Option<Url>) -> Service {
    let Some(admin) = admin else { return Service::Unknown };
    match process(&http, &admin).await {
        Ok(process) => Service::Answers(process),
        Err(cause) => Service::Away { address: admin.to_string().trim_end_matches('/').to_owned(), cause },
    }
}

async fn process(http: &reqwest::Client, admin: &Url) -> Result<Process, String> {
    let url = admin.join("status").map_err(|error| error.to_string())?;
    let answer = http.get(url).timeout(LOOK_MAX).send().await.map_err(|error| innermost(&error))?;
    // 503 when the database is away; what the process knows is in there as well.
    answer.json().await.map_err(|error| innermost(&error))
}

/// The last cause is the one that says something: "connection refused".
fn innermost(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map_or_else(String::new, ToString::to_string)
}
