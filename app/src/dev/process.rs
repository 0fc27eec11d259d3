//! A server as a child process that ends with us.
//!
//! The child's first act is a small shell line that leaves a watcher behind and then becomes the server, so the
//! process we hold is the server itself. The watcher reads a pipe whose other end only we have: when it
//! closes, be it by [`Process::stop`], by a drop or because we were killed with SIGKILL, it interrupts the server
//! (for `PostgreSQL`, a fast shutdown). Nothing depends on the thread that started it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::DevError;
use super::account::Account;

const POLL: Duration = Duration::from_millis(20);
const STOP_MAX: Duration = Duration::from_secs(30);
const TAIL_LINES: usize = 20;
const TAIL_BYTES_MAX: u64 = 64 * 1024;
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// `$$` is the server-to-be; the doubly forked watcher is nobody's child and holds no file of the server's.
const WATCHED: &str = r#"exec 3<&0 </dev/null
umask 077
( ( cd /; read -r word <&3; [ "$word" = gone ] || kill -INT $$ ) >/dev/null 2>&1 & )
exec "$@" 3<&-"#;

/// What to start.
#[derive(Debug)]
pub struct Spec {
    /// For messages.
    pub name: &'static str,
    /// The binary.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its working directory, by which [`users_of`] recognises it later.
    pub dir: PathBuf,
    /// Where its output is appended.
    pub log: PathBuf,
    /// Whom it runs as, if not as us.
    pub account: Option<Account>,
}

/// A running server.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    lifeline: Option<ChildStdin>,
    log: PathBuf,
    log_start: u64,
}

impl Process {
    /// Starts it in a process group of its own, so that a terminal's Ctrl-C reaches only us.
    pub fn spawn(spec: Spec) -> Result<Self, DevError> {
        let log = open_log(&spec.log)?;
        let log_start = log.metadata().map_err(DevError::io("look at", &spec.log))?.len();
        let errors = log.try_clone().map_err(DevError::io("open", &spec.log))?;
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(WATCHED).arg(spec.name).arg(&spec.program).args(&spec.args);
        command.current_dir(&spec.dir).process_group(0);
        command.stdin(Stdio::piped()).stdout(log).stderr(errors);
        if let Some(account) = spec.account {
            account.apply(&mut command);
        }
        let mut child = command.spawn().map_err(DevError::io("start", &spec.program))?;
        let lifeline = child.stdin.take();
        Ok(Self { name: spec.name, child, lifeline, log: spec.log, log_start })
    }

    /// The server's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error with the end of the log once the server has ended by itself.
    pub fn check(&mut self) -> Result<(), DevError> {
        match self.child.try_wait().map_err(DevError::io("watch", &self.log))? {
            None => Ok(()),
            Some(status) => {
                self.dismiss_watcher();
                let (name, log, tail) = (self.name, self.log.clone(), self.log_tail());
                Err(DevError::Stopped { name, status: status.to_string(), log, tail })
            }
        }
    }

    /// Waits until the server ends by itself, and says how. Safe to drop.
    pub async fn failed(&mut self) -> DevError {
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            tokio::time::sleep(POLL * 5).await;
        }
    }

    /// Interrupts the server and waits for its end; kills it when that takes too long.
    pub async fn stop(&mut self) -> Result<(), DevError> {
        self.lifeline = None;
        let begun = Instant::now();
        while begun.elapsed() < STOP_MAX {
            if self.child.try_wait().map_err(DevError::io("watch", &self.log))?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        self.kill()
    }

    /// SIGKILL, as a crash would be.
    pub fn kill(&mut self) -> Result<(), DevError> {
        self.child.kill().map_err(DevError::io("kill the server of", &self.log))?;
        // Before its number is given back, or the watcher might interrupt a stranger.
        self.dismiss_watcher();
        self.child.wait().map_err(DevError::io("watch", &self.log))?;
        Ok(())
    }

    /// The last lines that were written since this start.
    pub fn log_tail(&self) -> String {
        read_tail(&self.log, self.log_start).unwrap_or_else(|error| format!("(unreadable: {error})"))
    }

    /// The error for a server that runs and does not answer.
    pub fn not_ready(&self, waited: Duration) -> DevError {
        let (log, tail) = (self.log.clone(), self.log_tail());
        DevError::NotReady { name: self.name, seconds: waited.as_secs(), log, tail }
    }

    fn dismiss_watcher(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take()
            && let Err(error) = lifeline.write_all(b"gone\n")
        {
            tracing::debug!(server.name = self.name, %error, "the watcher had left already");
        }
    }
}

fn open_log(path: &Path) -> Result<File, DevError> {
    if fs::metadata(path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.old")).map_err(DevError::io("rename", path))?;
    }
    OpenOptions::new().create(true).append(true).open(path).map_err(DevError::io("open", path))
}

fn read_tail(path: &Path, start: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(length.saturating_sub(TAIL_BYTES_MAX))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(last_lines(&String::from_utf8_lossy(&bytes)))
}

/// The last lines of a program's output, for an error's text.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// The processes whose working directory is `dir`; empty where the system has no `/proc`.
pub fn users_of(dir: &Path) -> Vec<u32> {
    let (Ok(dir), Ok(processes)) = (fs::canonicalize(dir), fs::read_dir("/proc")) else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir))
        .collect()
}

/// Waits, bounded, until a server of an earlier run that is still shutting down has left `dir`.
pub async fn wait_until_unused(name: &'static str, dir: &Path) -> Result<(), DevError> {
    let begun = Instant::now();
    loop {
        let pids = users_of(dir);
        if pids.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > STOP_MAX {
            let pids = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
            return Err(DevError::StillRunning { name, dir: dir.to_owned(), pids });
        }
        tokio::time::sleep(POLL).await;
    }
}
