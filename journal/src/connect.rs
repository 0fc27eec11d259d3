//! Connections to the database: the pool, and dedicated ones for the writer and for single owners.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use std::str::FromStr;
use std::time::Duration;

/// The role that the service works under; it may insert events but never change one.
pub const SERVICE_ROLE: &str = "polikrami_service";

/// A pooled connection that was used within this time is taken without a ping.
const IDLE_TRUSTED: Duration = Duration::from_secs(2);

/// Limits of the pool and of its statements.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub connections_max: u32,
    pub acquire_timeout: Duration,
    /// A statement that runs longer is cancelled by the server.
    pub statement_timeout: Duration,
    /// A transaction that its owner forgot would hold back vacuum for ever.
    pub idle_in_transaction_timeout: Duration,
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connections_max: 16,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            idle_in_transaction_timeout: Duration::from_mins(1),
            application_name: "polikrami".to_owned(),
        }
    }
}

/// Opens the pool and proves that the database answers.
pub async fn connect(url: &str, options: &ConnectOptions) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(options.connections_max)
        .acquire_timeout(options.acquire_timeout)
        // A ping before each use would double the round trips; only what lay idle may have died unnoticed.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < IDLE_TRUSTED || connection.ping().await.is_ok()) })
        })
        .after_connect(|connection, _| Box::pin(become_service(connection)))
        .connect_with(server_options(url, options)?)
        .await
}

/// A connection outside the pool, with the same settings and role.
pub(crate) async fn open(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    become_service(&mut connection).await?;
    Ok(connection)
}

/// A time-out reads like a connection that broke: nobody knows what became of the call.
pub(crate) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

fn server_options(url: &str, options: &ConnectOptions) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?.application_name(&options.application_name).options([
        // Positions are right only if the statement after the lock sees what was committed before.
        ("default_transaction_isolation", "read\\ committed".to_owned()),
        ("statement_timeout", options.statement_timeout.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", options.idle_in_transaction_timeout.as_millis().to_string()),
    ]))
}

/// Takes the service's role; before the first migration it does not exist and the login's own rights remain.
async fn become_service(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = $1")
        .bind(SERVICE_ROLE)
        .execute(connection)
        .await?;
    Ok(())
}
