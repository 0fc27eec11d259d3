//! A private NATS for each measurement: with a flush for every message, as the service demands, or as it is by default.

use crate::Outcome;
use crate::cluster::disk_directory;
use app::dev::port;
use app::dev::process::{Process, Spec, users_of};
use async_nats::Client;
use async_nats::jetstream;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const NAME: &str = "NATS";
const READY_MAX: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Flushed before it is acknowledged.
    Always,
    /// Acknowledged at once, flushed every two minutes.
    Default,
}

/// Ends, and leaves nothing, when it is stopped.
pub struct Queue {
    pub client: Client,
    pub url: String,
    process: Process,
    dir: PathBuf,
}

fn stores() -> Outcome<PathBuf> {
    Ok(disk_directory()?.join("nats"))
}

/// The stores of a run that broke off, unless somebody is at work in them.
pub fn remove_what_is_left() -> Outcome<()> {
    let stores = stores()?;
    fs::create_dir_all(&stores)?;
    for entry in fs::read_dir(stores)? {
        let store = entry?.path();
        if users_of(&store).is_empty() {
            fs::remove_dir_all(store)?;
        }
    }
    Ok(())
}

impl Queue {
    pub async fn start(program: &Path, sync: Sync) -> Outcome<Self> {
        let port = port::choose(NAME, None)?;
        let dir = stores()?.join(port.to_string());
        fs::create_dir_all(&dir)?;
        let interval = match sync {
            Sync::Always => "always",
            Sync::Default => "2m",
        };
        let store = dir.join("store");
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\nmax_payload: 8MB\n\
             jetstream {{\n  store_dir: \"{}\"\n  sync_interval: {interval}\n}}\n",
            store.display()
        );
        let file = dir.join("nats.conf");
        fs::write(&file, text)?;
        let process = Process::spawn(Spec {
            name: NAME,
            program: program.to_owned(),
            args: vec!["--config".into(), file.into()],
            dir: dir.clone(),
            log: dir.join("nats.log"),
            account: None,
        })?;
        let url = format!("nats://127.0.0.1:{port}");
        let client = async_nats::ConnectOptions::new().retry_on_initial_connect().connect(&url).await?;
        let mut queue = Self { client, url, process, dir };
        queue.wait_until_ready().await?;
        Ok(queue)
    }

    async fn wait_until_ready(&mut self) -> Outcome<()> {
        let begun = Instant::now();
        while jetstream::new(self.client.clone()).query_account().await.is_err() {
            self.process.check()?;
            if begun.elapsed() > READY_MAX {
                return Err(self.process.not_ready(READY_MAX).into());
            }
            tokio::time::sleep(READY_POLL).await;
        }
        Ok(())
    }

    pub async fn stop(mut self) -> Outcome<()> {
        self.process.stop().await?;
        Ok(fs::remove_dir_all(&self.dir)?)
    }
}
