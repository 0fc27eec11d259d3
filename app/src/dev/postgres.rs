//! A private `PostgreSQL` cluster on a loopback port.
//!
//! Its directory holds `cluster/` and `password` (the superuser's, made by chance, mode 0600). Logins are by
//! password over TCP alone; there is no socket file.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use super::DevError;
use super::account::{Account, reachable_by_others};
use super::process::{Process, Spec, wait_until_unused};
use super::{fetch, port};

const NAME: &str = "PostgreSQL";
const SUPERUSER: &str = "postgres";
const READY_MAX: Duration = Duration::from_mins(1);
const READY_POLL: Duration = Duration::from_millis(20);

/// What every cluster of ours is started with; [`PostgresOptions::settings`] come after it and win.
const SETTINGS: [(&str, &str); 8] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "100"),
    ("shared_buffers", "128MB"),
    ("max_wal_size", "1GB"),
    ("shared_preload_libraries", "pg_stat_statements"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
];

/// How to start it.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Holds the cluster and its password; created when missing.
    pub data_dir: PathBuf,
    /// The log file.
    pub log: PathBuf,
    /// A fixed port; without one, a free one.
    pub port: Option<u16>,
    /// The directory of the programs.
    pub bin: PathBuf,
    /// Further settings, for example `("fsync", "off")` in tests that do not look at crashes.
    pub settings: Vec<(String, String)>,
}

/// A running cluster. Dropping it shuts it down without waiting.
#[derive(Debug)]
pub struct Postgres {
    options: PostgresOptions,
    port: u16,
    password: String,
    process: Process,
}

impl Postgres {
    /// Creates the cluster if there is none, starts it and waits until it answers.
    pub async fn start(options: PostgresOptions) -> Result<Self, DevError> {
        let account = Account::for_servers();
        let dir = options.data_dir.clone();
        prepare(&dir, account)?;
        if !dir.join("cluster").exists() {
            let bin = options.bin.clone();
            tokio::task::spawn_blocking(move || initialise(&bin, &dir, account))
                .await
                .map_err(DevError::BrokeOff)??;
        }
        let file = options.data_dir.join("password");
        let password = fs::read_to_string(&file).map_err(DevError::io("read", &file))?;
        // Before a port is chosen: the old server may hold the one that is wanted.
        wait_until_unused(NAME, &options.data_dir.join("cluster")).await?;
        port::start_on(NAME, options.port, "Address already in use", async |port| {
            let process = launch(&options, port, account).await?;
            let mut server = Self { options: options.clone(), port, password: password.clone(), process };
            server.wait_until_ready().await?;
            Ok(server)
        })
        .await
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its first process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The superuser's URL of a database (its name must need no escaping).
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Creates a database, empty or as a copy of `template` (to which nobody may be connected meanwhile).
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), DevError> {
        let template = template.map(|template| format!(" TEMPLATE {}", quoted(template))).unwrap_or_default();
        let statement = format!("CREATE DATABASE {}{template}", quoted(name));
        self.execute(&format!("create the database {name}"), &statement).await
    }

    /// Creates an empty database unless it is there already.
    pub async fn ensure_database(&self, name: &str) -> Result<(), DevError> {
        match self.create_database(name, None).await {
            Err(DevError::Database { source: sqlx::Error::Database(refused), .. })
                if refused.code().as_deref() == Some(DUPLICATE_DATABASE) =>
            {
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Drops a database together with the connections to it.
    pub async fn drop_database(&self, name: &str) -> Result<(), DevError> {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
        self.execute(&format!("drop the database {name}"), &statement).await
    }

    /// Waits until it ends by itself, and says how. Safe to drop.
    pub async fn failed(&mut self) -> DevError {
        self.process.failed().await
    }

    /// A fast shutdown: connections are cut, everything is written.
    pub async fn stop(&mut self) -> Result<(), DevError> {
        self.process.stop().await
    }

    /// SIGKILL, for crash tests.
    pub fn kill(&mut self) -> Result<(), DevError> {
        self.process.kill()
    }

    /// After [`Self::stop`] or [`Self::kill`]: starts it on the same port and data.
    pub async fn start_again(&mut self) -> Result<(), DevError> {
        self.process.stop().await?;
        self.process = launch(&self.options, self.port, Account::for_servers()).await?;
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&mut self) -> Result<(), DevError> {
        let begun = Instant::now();
        while begun.elapsed() < READY_MAX {
            self.process.check()?;
            if let Ok(connection) = self.connect().await {
                return close(connection).await.map_err(self.refused("answer"));
            }
            tokio::time::sleep(READY_POLL).await;
        }
        Err(self.process.not_ready(READY_MAX))
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(SUPERUSER)
            .password(&self.password)
            .database("postgres")
            .connect()
            .await
    }

    async fn execute(&self, action: &str, statement: &str) -> Result<(), DevError> {
        let mut connection = self.connect().await.map_err(self.refused(action))?;
        sqlx::query(statement).execute(&mut connection).await.map_err(self.refused(action))?;
        close(connection).await.map_err(self.refused(action))
    }

    fn refused(&self, action: &str) -> impl FnOnce(sqlx::Error) -> DevError + use<> {
        let (action, log) = (action.to_owned(), self.options.log.clone());
        move |source| DevError::Database { action, log, source }
    }
}

const DUPLICATE_DATABASE: &str = "42P04";

async fn close(connection: PgConnection) -> Result<(), sqlx::Error> {
    connection.close().await
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// The directory, closed to all but the account.
fn prepare(dir: &Path, account: Option<Account>) -> Result<(), DevError> {
    fs::create_dir_all(dir).map_err(DevError::io("create", dir))?;
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(dir, private).map_err(DevError::io("close", dir))?;
    let Some(account) = account else { return Ok(()) };
    account.own(dir)?;
    if dir.parent().is_some_and(reachable_by_others) {
        Ok(())
    } else {
        Err(DevError::Unreachable { dir: dir.to_owned() })
    }
}

/// `initdb` beside the place, then one rename: a half-made cluster is never taken for a whole one.
fn initialise(bin: &Path, dir: &Path, account: Option<Account>) -> Result<(), DevError> {
    let part = dir.join("cluster.part");
    if part.exists() {
        fs::remove_dir_all(&part).map_err(DevError::io("remove", &part))?;
    }
    let password = dir.join("password");
    write_password(&password)?;
    if let Some(account) = account {
        account.own(&password)?;
    }
    let mut command = Command::new(bin.join("initdb"));
    command.arg("--pgdata").arg(&part).arg("--pwfile").arg(&password).current_dir("/");
    command.args(["--username", SUPERUSER, "--auth=scram-sha-256", "--locale=C", "--encoding=UTF8"]);
    // The password is 128 random bits: stretching it would only slow every connection down.
    command.args(["--set", "scram_iterations=1", "--no-instructions"]);
    if let Some(account) = account {
        account.apply(&mut command);
    }
    fetch::run(&mut command)?;
    let cluster = dir.join("cluster");
    fs::rename(&part, &cluster).map_err(DevError::io("rename into place", &cluster))
}

#[expect(clippy::disallowed_methods, reason = "the password of a local server is chance by nature")]
fn write_password(path: &Path) -> Result<(), DevError> {
    let password = hex::encode(rand::random::<[u8; 16]>());
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).map_err(DevError::io("create", path))?;
    file.write_all(password.as_bytes()).map_err(DevError::io("write", path))
}

async fn launch(options: &PostgresOptions, port: u16, account: Option<Account>) -> Result<Process, DevError> {
    let cluster = options.data_dir.join("cluster");
    wait_until_unused(NAME, &cluster).await?;
    remove_stale_pid_file(&cluster)?;
    let mut args = vec![OsString::from("-D"), cluster.clone().into_os_string()];
    let port = ("port", port.to_string());
    let ours = SETTINGS.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let theirs = options.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in ours.chain([port]).chain(theirs) {
        args.extend([OsString::from("-c"), format!("{name}={value}").into()]);
    }
    let (program, log) = (options.bin.join("postgres"), options.log.clone());
    Process::spawn(Spec { name: NAME, program, args, dir: cluster, log, account })
}

/// After a crash the file names a process that may by now be anybody; that nobody uses the cluster is known.
fn remove_stale_pid_file(cluster: &Path) -> Result<(), DevError> {
    let path = cluster.join("postmaster.pid");
    // Without `/proc` we cannot know, and leave the decision to the server.
    if path.exists() && Path::new("/proc/self/cwd").exists() {
        fs::remove_file(&path).map_err(DevError::io("remove", &path))?;
    }
    Ok(())
}
