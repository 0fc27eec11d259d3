//! A PostgreSQL of one's own, for those who kill it, copy it or restore into it.

use crate::servers::binaries;
use app::dev::account::Account;
use app::dev::{LocalServers, Postgres, PostgresOptions, StateDir, Which, quiet};
use journal::{ConnectOptions, connect};
use sqlx::PgPool;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A cluster with one database.
pub struct OwnCluster {
    pub postgres: Postgres,
    state: StateDir,
}

const DATABASE: &str = "shop";

fn settings() -> Vec<(String, String)> {
    vec![("fsync".into(), "off".into()), ("max_connections".into(), "60".into())]
}

impl OwnCluster {
    /// With a database that is migrated, or empty.
    pub async fn start(migrated: bool) -> Self {
        Self::start_with(settings(), migrated).await
    }

    /// Migrated, and writing to the disk as a server does that is nobody's test.
    pub async fn start_durable() -> Self {
        Self::start_with(vec![("max_connections".into(), "60".into())], true).await
    }

    async fn start_with(settings: Vec<(String, String)>, migrated: bool) -> Self {
        let state = StateDir::disposable().unwrap();
        let which = Which { postgres: true, postgres_settings: settings, ..Which::default() };
        let servers =
            LocalServers::start_fetched(state.path(), which, binaries().await, quiet()).await.unwrap();
        let postgres = servers.postgres.unwrap();
        postgres.create_database(DATABASE, None).await.unwrap();
        let cluster = Self { postgres, state };
        if migrated {
            let pool = cluster.pool().await;
            journal::migrate::run(&pool).await.unwrap();
            pool.close().await;
        }
        cluster
    }

    /// Starts what `pg_basebackup` wrote into the place that [`OwnCluster::room`] made; the password is the old one.
    pub async fn start_copy(of: &Self, room: Room) -> Self {
        let password = room.dir.join("password");
        std::fs::copy(of.state.path().join("postgres/password"), &password).unwrap();
        if let Some(account) = Account::for_servers() {
            account.own(&password).unwrap();
        }
        let options = PostgresOptions {
            data_dir: room.dir,
            log: room.state.path().join("postgres.log"),
            port: None,
            bin: binaries().await.postgres_bin.clone(),
            settings: settings(),
        };
        Self { postgres: Postgres::start(options).await.unwrap(), state: room.state }
    }

    /// The superuser's way to the database.
    pub fn url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    /// A pool as the service has it.
    pub async fn pool(&self) -> PgPool {
        connect(&self.url(), &ConnectOptions::default()).await.unwrap()
    }
}

/// A directory that the servers' account may write.
pub struct Room {
    pub dir: PathBuf,
    state: StateDir,
}

impl Room {
    pub fn new() -> Self {
        let state = StateDir::disposable().unwrap();
        let dir = state.path().join("postgres");
        std::fs::create_dir(&dir).unwrap();
        if let Some(account) = Account::for_servers() {
            account.own(&dir).unwrap();
        }
        Self { dir, state }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs one of PostgreSQL's own programs as the servers' account.
///
/// # Panics
/// With its own words when it fails.
pub async fn program(name: &str, args: &[&dyn AsRef<OsStr>]) {
    let mut command = Command::new(binaries().await.postgres_bin.join(name));
    command.args(args.iter().copied().map(AsRef::as_ref)).current_dir(Path::new("/"));
    if let Some(account) = Account::for_servers() {
        account.apply(&mut command);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}
