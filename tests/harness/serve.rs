//! `polikrami serve`, the real binary in a process of its own, on servers of the test.

use super::process::binary;
use super::{TestDatabase, TestNats, database, eventually, eventually_within, nats};
use app::dev::StateDir;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// What a debug build needs to connect, migrate and listen, with everything else running beside it.
const START_MAX: Duration = Duration::from_mins(1);

type Settings = Vec<(&'static str, OsString)>;

pub struct ServeProcess {
    child: Child,
    settings: Settings,
    pub address: SocketAddr,
    pub database: TestDatabase,
    _nats: TestNats,
    _files: StateDir,
}

impl ServeProcess {
    /// With further settings on top of those that it cannot do without.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let (database, nats, files) = (database().await, nats().await, StateDir::disposable().unwrap());
        let program = tokio::task::spawn_blocking(binary).await.unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], app::dev::port::choose("API", None).unwrap()));
        let mut known: Settings = [
            ("POLIKRAMI_ENV", "development".into()),
            ("PORT", address.port().to_string().into()),
            ("DATABASE_URL", database.url.clone().into()),
            ("NATS_URL", nats.url.clone().into()),
            ("ADMIN_LISTEN", "127.0.0.1:0".into()),
        ]
        .into();
        known.extend(
            ["JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SERVER_SECRET"]
                .map(|key| (key, key.repeat(3).into())),
        );
        known.extend(
            ["IYZICO_API_KEY", "IYZICO_SECRET_KEY", "STABILITY_API_KEY"].map(|key| (key, "none".into())),
        );
        known.extend(
            ["UPLOAD_PUBLIC_DIR", "UPLOAD_PRIVATE_DIR"].map(|key| (key, files.path().join(key).into())),
        );
        let mut command = Command::new(program);
        command.arg("serve").envs(known.iter().cloned()).envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Self {
            child: command.spawn().unwrap(),
            settings: known,
            address,
            database,
            _nats: nats,
            _files: files,
        };
        let client = app::demo::client().unwrap();
        eventually_within(START_MAX, "polikrami serve is ready", async || {
            assert!(process.child.try_wait().unwrap().is_none(), "polikrami serve ended at its start");
            let answer = client.get(format!("http://{address}/ready")).send().await;
            answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
        process
    }

    /// `polikrami …` with the settings of this service: whether it ended well, and what it said.
    pub async fn polikrami(&self, args: &[&str]) -> (bool, String) {
        let mut command = Command::new(binary());
        command.args(args).envs(self.settings.iter().cloned());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let limit = Duration::from_mins(1);
        eventually_within(limit, "polikrami serve ends", async || self.child.try_wait().unwrap()).await
    }

    /// Waits until nobody can connect any more.
    pub async fn refuses(&self) {
        eventually("the listener is closed", async || {
            tokio::net::TcpStream::connect(self.address).await.is_err().then_some(())
        })
        .await;
    }

    /// The most memory that it ever held, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for ServeProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
