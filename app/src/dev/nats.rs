//! A private NATS server with `JetStream` on a loopback port, without a login.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::process::{Process, Spec, wait_until_unused};
use super::{DevError, port};

const NAME: &str = "NATS";
const MAX_PAYLOAD: &str = "8MB";
const READY_MAX: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(20);

/// How to start it.
#[derive(Debug, Clone)]
pub struct NatsOptions {
    /// Holds the streams and the configuration file; created when missing.
    pub store_dir: PathBuf,
    /// The log file.
    pub log: PathBuf,
    /// A fixed port; without one, a free one.
    pub port: Option<u16>,
    /// The program.
    pub bin: PathBuf,
}

/// A running server. Dropping it shuts it down without waiting.
#[derive(Debug)]
pub struct Nats {
    options: NatsOptions,
    port: u16,
    process: Process,
}

impl Nats {
    /// Starts it and waits until it greets.
    pub async fn start(options: NatsOptions) -> Result<Self, DevError> {
        let dir = &options.store_dir;
        fs::create_dir_all(dir).map_err(DevError::io("create", dir))?;
        // Before a port is chosen: the old server may hold the one that is wanted.
        wait_until_unused(NAME, dir).await?;
        port::start_on(NAME, options.port, "address already in use", async |port| {
            let process = launch(&options, port).await?;
            let mut server = Self { options: options.clone(), port, process };
            server.wait_until_ready().await?;
            Ok(server)
        })
        .await
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Waits until it ends by itself, and says how. Safe to drop.
    pub async fn failed(&mut self) -> DevError {
        self.process.failed().await
    }

    /// Shuts it down and waits for its end.
    pub async fn stop(&mut self) -> Result<(), DevError> {
        self.process.stop().await
    }

    /// SIGKILL, for crash tests.
    pub fn kill(&mut self) -> Result<(), DevError> {
        self.process.kill()
    }

    /// After [`Self::stop`] or [`Self::kill`]: starts it on the same port and store.
    pub async fn start_again(&mut self) -> Result<(), DevError> {
        self.process.stop().await?;
        self.process = launch(&self.options, self.port).await?;
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&mut self) -> Result<(), DevError> {
        let begun = Instant::now();
        while begun.elapsed() < READY_MAX {
            self.process.check()?;
            if timeout(READY_MAX, greets(self.port)).await.is_ok_and(|greeting| greeting.unwrap_or(false)) {
                // A stranger on the port would greet too: ours would have ended by now.
                return self.process.check();
            }
            tokio::time::sleep(READY_POLL).await;
        }
        Err(self.process.not_ready(READY_MAX))
    }
}

/// Whether the port sends the line by which a NATS server opens every connection.
async fn greets(port: u16) -> io::Result<bool> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    Ok(line.starts_with("INFO ") && line.contains("\"jetstream\":true"))
}

async fn launch(options: &NatsOptions, port: u16) -> Result<Process, DevError> {
    let dir = &options.store_dir;
    wait_until_unused(NAME, dir).await?;
    let file = dir.join("nats.conf");
    fs::write(&file, configuration(dir, port)).map_err(DevError::io("write", &file))?;
    let args = vec!["--config".into(), file.into_os_string()];
    let (program, dir, log) = (options.bin.clone(), dir.clone(), options.log.clone());
    Process::spawn(Spec { name: NAME, program, args, dir, log, account: None })
}

/// `sync_interval: always`, since `JetStream` otherwise acknowledges before it syncs.
fn configuration(store_dir: &Path, port: u16) -> String {
    let store_dir = store_dir.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "listen: \"127.0.0.1:{port}\"\nserver_name: polikrami\nmax_payload: {MAX_PAYLOAD}\n\
         jetstream {{\n  store_dir: \"{store_dir}\"\n  sync_interval: always\n}}\n"
    )
}
