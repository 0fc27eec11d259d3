//! What lies in the state directory (`.polikrami/`), and who may use it.
//!
//! ```text
//! lock             held while `polikrami dev` runs
//! endpoints.json   there while everything is up
//! servers-…/       the fetched programs          } elsewhere when the unprivileged account of
//! postgres/        cluster/ and its password     } PostgreSQL cannot come here, see `account`
//! nats/            streams and configuration
//! logs/            one file per server
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DevError;
use super::account::{home_for, open_to_others, own_directory, own_uid, public_temp_dir};
use super::process::{users_of, wait_until_unused};

const LOCK: &str = "lock";
const ENDPOINTS: &str = "endpoints.json";
const SERVERS_PREFIX: &str = "servers";

/// Where everything of a running `polikrami dev` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The service.
    pub api: String,
    /// The service's operations port.
    pub admin: String,
    /// The Iyzico simulator.
    pub iyzico: String,
    /// The Stability simulator.
    pub stability: String,
    /// The Twilio simulator, and its page with the text messages.
    pub twilio: String,
    /// The pages of the mailbox.
    pub mailbox: String,
    /// Where the mailbox takes mail, as `host:port`.
    pub smtp: String,
    /// The database.
    pub database_url: String,
    /// NATS.
    pub nats_url: String,
    /// What the Iyzico simulator knows us by.
    pub iyzico_api_key: String,
    /// What it signs with.
    pub iyzico_secret_key: String,
    /// What the Stability simulator knows us by.
    pub stability_api_key: String,
    /// One login per role.
    pub logins: Logins,
}

/// The accounts that a fresh `polikrami dev` has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logins {
    /// Buys.
    pub customer: Login,
    /// Draws.
    pub designer: Login,
    /// Runs the shop.
    pub admin: Login,
    /// Reads the audit trail.
    pub auditor: Login,
}

/// One local account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Its address.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// A state directory that we alone use, until this is dropped.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    disposable: bool,
    /// Locked; the kernel lets go of it when we end, however that happens.
    _lock: File,
}

/// A disposable one goes when its servers have been stopped; otherwise the next run removes it.
impl Drop for StateDir {
    fn drop(&mut self) {
        if self.disposable && !has_servers(&self.path) {
            remove_if_possible(&self.path);
        }
    }
}

impl StateDir {
    /// Creates and locks it.
    pub fn open(path: &Path) -> Result<Self, DevError> {
        fs::create_dir_all(path).map_err(DevError::io("create", path))?;
        let path = fs::canonicalize(path).map_err(DevError::io("find", path))?;
        let (file, mut lock) = (path.join(LOCK), OpenOptions::new());
        let mut lock = lock
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&file)
            .map_err(DevError::io("open", &file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(already_running(&path, &mut lock)),
            Err(TryLockError::Error(error)) => return Err(DevError::io("lock", &file)(error)),
        }
        lock.set_len(0).map_err(DevError::io("write", &file))?;
        write!(lock, "process {}", std::process::id()).map_err(DevError::io("write", &file))?;
        let state = Self { path, disposable: false, _lock: lock };
        // A run that was killed could not take them away.
        state.remove_endpoints()?;
        Ok(state)
    }

    /// A new one in the temporary directory, for tests; those of runs that are over are removed first, since a
    /// killed test cannot clean up after itself.
    pub fn disposable() -> Result<Self, DevError> {
        let owner = own_uid().unwrap_or_default();
        let parent = own_directory(&public_temp_dir().join(format!("polikrami-tests-{owner}")))?;
        let guard = File::create(parent.join(LOCK)).map_err(DevError::io("create a lock in", &parent))?;
        guard.lock().map_err(DevError::io("lock", &parent))?;
        for entry in fs::read_dir(&parent).map_err(DevError::io("list", &parent))? {
            let path = entry.map_err(DevError::io("list", &parent))?.path();
            if path.is_dir() && is_over(&path) {
                remove_if_possible(&path);
            }
        }
        let new = tempfile::Builder::new().prefix("run-").tempdir_in(&parent);
        let path = new.map_err(DevError::io("create a directory in", &parent))?.keep();
        open_to_others(&path)?;
        let mut state = Self::open(&path)?;
        state.disposable = true;
        Ok(state)
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is data to lose.
    pub fn has_data(&self) -> Result<bool, DevError> {
        Ok(self.data()?.next().is_some())
    }

    /// `--fresh`: removes all data and logs, not the fetched programs. Asks on the terminal unless `yes`.
    pub async fn wipe(&self, yes: bool) -> Result<(), DevError> {
        if !self.has_data()? {
            return Ok(());
        }
        if !yes && !self.asked()? {
            return Err(DevError::KeptData { state_dir: self.path.clone() });
        }
        wait_until_unused("PostgreSQL", &home_for(&self.path)?.join("postgres/cluster")).await?;
        wait_until_unused("NATS", &self.path.join("nats")).await?;
        for path in self.data()? {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(DevError::io("remove", &path))?;
        }
        Ok(())
    }

    /// Writes `endpoints.json` at once and whole, readable by us alone.
    pub fn write_endpoints(&self, endpoints: &Endpoints) -> Result<(), DevError> {
        let (path, part) = (self.path.join(ENDPOINTS), self.path.join("endpoints.json.part"));
        let text = serde_json::to_vec_pretty(endpoints)
            .map_err(|source| DevError::Endpoints { path: path.clone(), source })?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&part).map_err(DevError::io("create", &part))?;
        file.write_all(&text).map_err(DevError::io("write", &part))?;
        fs::rename(&part, &path).map_err(DevError::io("rename into place", &path))
    }

    /// Takes `endpoints.json` away; not there is as good.
    pub fn remove_endpoints(&self) -> Result<(), DevError> {
        let path = self.path.join(ENDPOINTS);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DevError::io("remove", &path)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Everything but the lock and the programs, here and where `PostgreSQL` lies.
    fn data(&self) -> Result<impl Iterator<Item = PathBuf> + use<>, DevError> {
        let mut found = Vec::new();
        let home = home_for(&self.path)?;
        let elsewhere = (home != self.path).then_some(home);
        for dir in elsewhere.iter().chain([&self.path]) {
            for entry in fs::read_dir(dir).map_err(DevError::io("list", dir))? {
                let entry = entry.map_err(DevError::io("list", dir))?;
                let name = entry.file_name();
                let kept = name == LOCK || name.to_string_lossy().starts_with(SERVERS_PREFIX);
                if !kept {
                    found.push(entry.path());
                }
            }
        }
        Ok(found.into_iter())
    }

    fn asked(&self) -> Result<bool, DevError> {
        if !io::stdin().is_terminal() {
            return Err(DevError::NeedsYes { state_dir: self.path.clone() });
        }
        let mut answer = String::new();
        write!(io::stderr(), "Wipe all data in {}? [y/N] ", self.path.display())
            .and_then(|()| io::stdin().read_line(&mut answer))
            .map_err(DevError::io("ask about", &self.path))?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// A run that ends and the next one that cleans up may remove the same directory at once.
fn remove_if_possible(disposable: &Path) {
    if let Err(error) = fs::remove_dir_all(disposable) {
        tracing::debug!(state.dir = %disposable.display(), %error, "left for the next run to remove");
    }
}

/// The endpoints of the `polikrami dev` that runs on this directory; none if it is not up.
pub fn read_endpoints(state_dir: &Path) -> Result<Option<Endpoints>, DevError> {
    let path = state_dir.join(ENDPOINTS);
    if holder_is_gone(state_dir) {
        // Left behind by a process that was killed; the next start removes it.
        return Ok(None);
    }
    match fs::read(&path) {
        Ok(text) => {
            serde_json::from_slice(&text).map(Some).map_err(|source| DevError::Endpoints { path, source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DevError::io("read", &path)(error)),
    }
}

/// Whether the process that wrote itself into the lock has ended.
fn holder_is_gone(state_dir: &Path) -> bool {
    let holder = fs::read_to_string(state_dir.join(LOCK)).unwrap_or_default();
    let process = holder.strip_prefix("process ").map(|id| Path::new("/proc").join(id.trim()));
    Path::new("/proc/self").exists() && process.is_some_and(|process| !process.exists())
}

fn already_running(path: &Path, lock: &mut File) -> DevError {
    let mut process = String::new();
    if lock.read_to_string(&mut process).is_err() || process.is_empty() {
        "an unknown process".clone_into(&mut process);
    }
    let place = match read_endpoints(path) {
        Ok(Some(endpoints)) => format!("at {}", endpoints.api),
        Ok(None) | Err(_) => "starting up".to_owned(),
    };
    DevError::AlreadyRunning { state_dir: path.to_owned(), holder: format!("{process}, {place}") }
}

/// Whether no process holds the lock of a disposable directory, nor any server runs in it.
fn is_over(dir: &Path) -> bool {
    let unlocked = match File::open(dir.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    unlocked && !has_servers(dir)
}

fn has_servers(dir: &Path) -> bool {
    // A test may have a whole `polikrami dev` below its own directory.
    ["postgres/cluster", "nats", "dev/postgres/cluster", "dev/nats"]
        .iter()
        .any(|servers| !users_of(&dir.join(servers)).is_empty())
}
