//! The real binary, and the smallest server there could be, as processes to look at from outside.

use crate::Outcome;
use crate::cluster::disk_directory;
use crate::machine::memory_kib;
use crate::queue::{Queue, Sync};
use crate::replay::caught_up;
use app::dev::{ServerBinaries, port};
use journal::{ConnectOptions, checkpoint, read};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const READY_MAX: Duration = Duration::from_mins(1);
const CATCH_UP_MAX: Duration = Duration::from_mins(15);
const POLL: Duration = Duration::from_millis(2);
/// What is idle has been left alone this long.
const IDLE_AFTER: Duration = Duration::from_secs(2);
/// All that follow the journal but the relay and the flows: those would first send a full journal to NATS.
const ROLES: &str = "api,projections,timers,seals";
/// Readers that are at the head before a start is measured.
const SEALS: &str = "seals";

/// `polikrami serve`, ready.
pub struct Service {
    child: Child,
    queue: Queue,
    pub ready_after: Duration,
}

impl Service {
    pub async fn start(program: &Path, database_url: &str, binaries: &ServerBinaries) -> Outcome<Self> {
        let queue = Queue::start(&binaries.nats_server, Sync::Always).await?;
        let files = disk_directory()?.join("uploads");
        fs::create_dir_all(&files)?;
        let port = port::choose("API", None)?.to_string();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(program);
        command.args(["serve", "--only", ROLES]).env("POLIKRAMI_ENV", "development").env("PORT", port);
        command.env("DATABASE_URL", database_url).env("NATS_URL", &queue.url);
        for (key, letter) in [("JWT_ACCESS_SECRET", "a"), ("JWT_REFRESH_SECRET", "b"), ("SERVER_SECRET", "c")]
        {
            command.env(key, letter.repeat(32));
        }
        for key in ["IYZICO_API_KEY", "IYZICO_SECRET_KEY", "STABILITY_API_KEY"] {
            command.env(key, "none");
        }
        command
            .env("UPLOAD_PUBLIC_DIR", files.join("public"))
            .env("UPLOAD_PRIVATE_DIR", files.join("private"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let start = Instant::now();
        let mut child = command.spawn()?;
        until_ready(&mut child, &address).await?;
        Ok(Self { child, queue, ready_after: start.elapsed() })
    }

    pub async fn idle_memory_kib(&self) -> Outcome<u64> {
        tokio::time::sleep(IDLE_AFTER).await;
        resident(&self.child)
    }

    /// Until every reader of the journal has seen all of it; then ends.
    pub async fn catch_up(self, database_url: &str) -> Outcome<()> {
        let pool = journal::connect(database_url, &ConnectOptions::default()).await?;
        caught_up(&pool).await?;
        let (begun, head) = (Instant::now(), read::head(&pool).await?);
        while checkpoint::load(&pool, SEALS).await? < head {
            if begun.elapsed() > CATCH_UP_MAX {
                return Err("the seals do not catch up".into());
            }
            tokio::time::sleep(POLL).await;
        }
        pool.close().await;
        self.stop().await
    }

    pub async fn stop(mut self) -> Outcome<()> {
        self.child.kill().await?;
        self.queue.stop().await
    }
}

async fn until_ready(child: &mut Child, address: &str) -> Outcome<()> {
    let client = app::demo::client()?;
    let begun = Instant::now();
    loop {
        let answer = client.get(format!("http://{address}/ready")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("polikrami serve ended at its start: {status}").into());
        }
        if begun.elapsed() > READY_MAX {
            return Err("polikrami serve does not get ready".into());
        }
        tokio::time::sleep(POLL).await;
    }
}

fn resident(child: &Child) -> Outcome<u64> {
    let id = child.id().ok_or("the process has ended")?;
    Ok(memory_kib(&id.to_string(), "VmRSS").ok_or("no /proc")?)
}

/// An HTTP server with one route and nothing else.
pub struct Bare(Child);

impl Bare {
    pub async fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--child", "bare"]).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).await?;
        let client = app::demo::client()?;
        client.get(format!("http://{}/", address.trim())).send().await?.error_for_status()?;
        Ok(Self(child))
    }

    pub fn memory_kib(&self) -> Outcome<u64> {
        resident(&self.0)
    }

    pub async fn stop(mut self) -> Outcome<()> {
        Ok(self.0.kill().await?)
    }
}
