//! A private `PostgreSQL` in one of the two regimes, with a migrated template to copy fresh databases from.

use crate::Outcome;
use crate::machine::checkout;
use crate::options::Regime;
use crate::output::progress;
use crate::pgbench;
use app::dev::account::{home_for, own_directory};
use app::dev::{Postgres, PostgresOptions, ServerBinaries};
use sqlx::{Connection, PgConnection};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const TEMPLATE: &str = "template_migrated";
const MEMORY: &str = "/dev/shm";
/// A flush that is delayed takes at least this long, and one client can wait for no more than one.
const SLOW_FLUSH: Duration = Duration::from_millis(2);

pub struct Cluster {
    pub regime: Regime,
    pub postgres: Postgres,
    pub programs: PathBuf,
    databases: AtomicU32,
    dir: PathBuf,
}

impl Cluster {
    pub async fn start(regime: Regime, binaries: &ServerBinaries) -> Outcome<Self> {
        progress(format!("{}: starting PostgreSQL", regime.name()));
        let dir = directory(regime)?;
        let bin = match regime {
            Regime::Disk => binaries.postgres_bin.clone(),
            Regime::Slow => slow_programs(&dir, &binaries.postgres_bin)?,
        };
        let options = PostgresOptions {
            data_dir: dir.join("postgres"),
            log: dir.join("postgres.log"),
            port: None,
            bin,
            settings: Vec::new(),
        };
        let postgres = Postgres::start(options).await?;
        let programs = binaries.postgres_bin.clone();
        let cluster = Self { regime, postgres, programs, databases: AtomicU32::new(0), dir };
        cluster.postgres.create_database(TEMPLATE, None).await?;
        let pool =
            journal::connect(&cluster.postgres.url(TEMPLATE), &journal::ConnectOptions::default()).await?;
        journal::migrate::run(&pool).await?;
        pool.close().await;
        cluster.prove_flush().await?;
        Ok(cluster)
    }

    /// A fresh database, everything before it written out, so that nobody pays for the last measurement.
    pub async fn database(&self) -> Outcome<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        // The one before the last may be in use no more; what lies about costs memory on tmpfs.
        if let Some(old) = number.checked_sub(2) {
            self.postgres.drop_database(&name(old)).await?;
        }
        self.kept_database(&name(number)).await
    }

    /// One that stays until the cluster ends.
    pub async fn kept_database(&self, name: &str) -> Outcome<String> {
        self.postgres.create_database(name, Some(TEMPLATE)).await?;
        let url = self.postgres.url(name);
        self.checkpoint().await?;
        Ok(url)
    }

    pub async fn checkpoint(&self) -> Outcome<()> {
        let mut connection = PgConnection::connect(&self.postgres.url("postgres")).await?;
        sqlx::query("CHECKPOINT").execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    pub async fn stop(mut self) -> Outcome<()> {
        self.postgres.stop().await?;
        Ok(fs::remove_dir_all(&self.dir)?)
    }

    /// Says what a flush costs; in the slow regime a shim that does not work would make every figure a lie.
    async fn prove_flush(&self) -> Outcome<()> {
        let url = self.database().await?;
        let seen = pgbench::run(&self.programs, &url, 1, Duration::from_secs(1)).await?;
        let name = self.regime.name();
        progress(format!(
            "{name}: one client commits {:.0} rows/s, one each {:.0} µs",
            seen.rate, seen.mean_us
        ));
        let slow = seen.mean_us >= SLOW_FLUSH.as_secs_f64() * 1e6;
        match (self.regime, slow) {
            (Regime::Slow, false) => Err("the flush is not delayed: slow_flush.c was not preloaded".into()),
            (Regime::Disk | Regime::Slow, _) => Ok(()),
        }
    }
}

fn name(number: u32) -> String {
    format!("bench_{number}")
}

/// Where the servers' data lies. What a killed run left there goes first.
fn directory(regime: Regime) -> Outcome<PathBuf> {
    let dir = match regime {
        Regime::Disk => disk_directory()?.join("disk"),
        Regime::Slow if fs::exists(MEMORY)? => Path::new(MEMORY).join("polikrami-bench"),
        Regime::Slow => {
            progress(format!(
                "slow: there is no {MEMORY}; the data lies on the disk, flushes are delayed all the same"
            ));
            disk_directory()?.join("slow")
        }
    };
    if fs::exists(&dir)? {
        app_left(&dir)?;
    }
    own_directory(&dir)?;
    Ok(dir)
}

/// Where what is not meant for memory lies: the disk's cluster, and the store of NATS.
pub fn disk_directory() -> Outcome<PathBuf> {
    let wanted = checkout().join("target/bench-data");
    fs::create_dir_all(&wanted)?;
    Ok(home_for(&wanted)?)
}

/// Another run may be at work in the directory; then it is not ours to remove.
fn app_left(dir: &Path) -> Outcome<()> {
    let users = app::dev::process::users_of(&dir.join("postgres/cluster"));
    if !users.is_empty() {
        let text = format!("another run is using {}; wait for it (processes {users:?})", dir.display());
        return Err(text.into());
    }
    Ok(fs::remove_dir_all(dir)?)
}

/// A directory like that of the programs, in which `postgres` preloads the delay.
fn slow_programs(dir: &Path, bin: &Path) -> Outcome<PathBuf> {
    let library = dir.join("slow_flush.so");
    let source = checkout().join("tests/benches/slow_flush.c");
    let mut compile = Command::new("cc");
    compile.args(["-O2", "-Wall", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    let output =
        compile.output().map_err(|error| format!("cc, which Rust links with, does not run: {error}"))?;
    if !output.status.success() {
        return Err(format!("{}: {}", source.display(), String::from_utf8_lossy(&output.stderr)).into());
    }
    fs::set_permissions(&library, fs::Permissions::from_mode(0o755))?;
    let programs = own_directory(&dir.join("bin"))?;
    // A link would do for the others, but `postgres` must be run by its own path to find its files.
    std::os::unix::fs::symlink(bin.join("initdb"), programs.join("initdb"))?;
    let wrapper = programs.join("postgres");
    let text = format!(
        "#!/bin/sh\nLD_PRELOAD='{}' exec '{}' \"$@\"\n",
        library.display(),
        bin.join("postgres").display()
    );
    fs::write(&wrapper, text)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(programs)
}
