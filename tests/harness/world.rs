//! A whole town: both servers, the providers, and `polikrami serve` as a process, each of which dies by itself.
//!
//! The providers live in the test's own process: they are other companies, and do not fall with us.

use super::eventually_within;
use super::process::binary;
use app::dev::process::{Process, Spec};
use app::dev::{LocalServers, Nats, Postgres, StateDir, Which, fetch, port, quiet};
use journal::ConnectOptions;
use journal::tables::message_cards;
use reqwest::Client;
use simulators::iyzico::{self, IyzicoOptions, IyzicoSimulator};
use simulators::mailbox::{self, MailboxOptions, MailboxSimulator};
use simulators::stability::{self, StabilityOptions, StabilitySimulator};
use sqlx::PgPool;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use time::OffsetDateTime;

const DATABASE: &str = "polikrami";
const LIMIT: Duration = Duration::from_mins(2);
const IYZICO_KEY: &str = "sandbox-world-api-key";
const IYZICO_SECRET: &str = "sandbox-world-secret-key";
const STABILITY_KEY: &str = "sk-world-stability-key";
const CREDITS: f64 = 100_000.0;

/// Everything that can be killed, and everything that cannot.
pub struct World {
    pub postgres: Postgres,
    pub nats: Nats,
    pub iyzico: IyzicoSimulator,
    pub stability: StabilitySimulator,
    pub mailbox: MailboxSimulator,
    pub pool: PgPool,
    pub client: Client,
    /// Starts of the service so far.
    pub starts: u32,
    service: Option<Process>,
    port: u16,
    program: PathBuf,
    state: StateDir,
}

impl World {
    /// Servers as in production: PostgreSQL flushes, NATS syncs.
    pub async fn start() -> Self {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.polikrami");
        let binaries = fetch::servers_async(&checkout, quiet()).await.unwrap();
        let program = tokio::task::spawn_blocking(binary).await.unwrap().to_path_buf();
        let state = StateDir::disposable().unwrap();
        let servers =
            LocalServers::start_fetched(state.path(), Which::both(), &binaries, quiet()).await.unwrap();
        let (postgres, nats) = (servers.postgres.unwrap(), servers.nats.unwrap());
        postgres.ensure_database(DATABASE).await.unwrap();
        let pool = journal::connect(&postgres.url(DATABASE), &ConnectOptions::default()).await.unwrap();
        journal::migrate::run(&pool).await.unwrap();
        message_cards::seed(&pool, OffsetDateTime::now_utc()).await.unwrap();
        let (iyzico, stability, mailbox) = providers(state.path()).await;
        let mut world = Self {
            postgres,
            nats,
            iyzico,
            stability,
            mailbox,
            pool,
            client: app::demo::client().unwrap(),
            starts: 0,
            service: None,
            port: port::choose("API", None).unwrap(),
            program,
            state,
        };
        world.start_service().await;
        world
    }

    /// Where the shop's API answers.
    pub fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The folder of NATS, to be damaged while it is down.
    pub fn nats_store(&self) -> PathBuf {
        self.state.path().join("nats")
    }

    /// Starts the service until it is ready; one that ends at its start is started again, as a supervisor would.
    pub async fn start_service(&mut self) {
        let ready = format!("{}/ready", self.api());
        let client = self.client.clone();
        eventually_within(LIMIT, "the service is ready", async || {
            self.keep_service();
            let answer = client.get(&ready).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    fn keep_service(&mut self) {
        if self.service.as_mut().is_none_or(|service| service.check().is_err()) {
            self.starts += 1;
            self.service = Some(Process::spawn(self.spec()).unwrap());
        }
    }

    fn spec(&self) -> Spec {
        let dir = self.state.path().to_owned();
        let files = dir.join("files");
        let smtp = self.mailbox.smtp_addr();
        let settings = [
            ("POLIKRAMI_ENV", "development".into()),
            ("DATABASE_URL", self.postgres.url(DATABASE)),
            ("NATS_URL", self.nats.url()),
            ("PORT", self.port.to_string()),
            ("APP_URL", self.api()),
            ("SHOP_URL", self.api()),
            ("COOKIE_SECURE", "false".into()),
            ("JWT_ACCESS_SECRET", "a-tests-secret-that-signs-access-tokens".into()),
            ("JWT_REFRESH_SECRET", "a-tests-secret-that-makes-refresh-tokens".into()),
            ("SERVER_SECRET", "a-tests-secret-that-keys-links-and-look-ups".into()),
            // Longer than any run: nobody has to log in again.
            ("ACCESS_EXPIRES_IN", "10h".into()),
            ("IYZICO_BASE_URL", self.iyzico.base_url()),
            ("IYZICO_API_KEY", IYZICO_KEY.into()),
            ("IYZICO_SECRET_KEY", IYZICO_SECRET.into()),
            ("STABILITY_BASE_URL", self.stability.base_url()),
            ("STABILITY_API_KEY", STABILITY_KEY.into()),
            ("SMTP_HOST", smtp.ip().to_string()),
            ("SMTP_PORT", smtp.port().to_string()),
            ("SMTP_SECURITY", "plain-loopback".into()),
            ("UPLOAD_PUBLIC_DIR", files.join("public").display().to_string()),
            ("UPLOAD_PRIVATE_DIR", files.join("private").display().to_string()),
            ("PAYMENT_CHECK_AFTER", "2s".into()),
            // All customers have one address.
            ("RATE_LIMIT_API_POINTS", "1000000".into()),
            ("RATE_LIMIT_GLOBAL_POINTS", "1000000".into()),
        ];
        let file = dir.join("settings.env");
        let lines = settings.map(|(name, value)| format!("{name}='{value}'"));
        std::fs::write(&file, lines.join("\n")).unwrap();
        let args = ["serve".into(), "--config".into(), file.into()].into();
        let log = dir.join("logs/polikrami.log");
        Spec { name: "polikrami", program: self.program.clone(), args, dir, log, account: None }
    }

    /// SIGKILL.
    pub fn kill_service(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.kill().unwrap();
        }
    }

    /// Stops the service and the servers; the providers end with the test.
    pub async fn end(mut self) {
        if let Some(mut service) = self.service.take() {
            service.stop().await.unwrap();
        }
        self.pool.close().await;
        self.nats.stop().await.unwrap();
        self.postgres.stop().await.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/world-logs");
            std::fs::create_dir_all(&kept).ok();
            for name in ["polikrami.log", "postgres.log", "nats.log"] {
                std::fs::copy(self.state.path().join("logs").join(name), kept.join(name)).ok();
            }
            eprintln!("the logs of the service and its servers: target/world-logs");
        }
    }
}

/// With their books on disk, as `polikrami dev` starts them.
async fn providers(state: &Path) -> (IyzicoSimulator, StabilitySimulator, MailboxSimulator) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let books = state.join("simulators");
    std::fs::create_dir_all(&books).unwrap();
    let iyzico = iyzico::start(IyzicoOptions {
        bind: any,
        api_key: IYZICO_KEY.into(),
        secret_key: IYZICO_SECRET.into(),
        state_file: Some(books.join("iyzico.json")),
    });
    let stability = stability::start(StabilityOptions {
        bind: any,
        api_key: STABILITY_KEY.into(),
        credits: CREDITS,
        state_file: Some(books.join("stability.json")),
    });
    let mailbox = mailbox::start(MailboxOptions {
        smtp_bind: any,
        http_bind: any,
        credentials: None,
        state_file: Some(books.join("mailbox.json")),
    });
    (iyzico.await.unwrap(), stability.await.unwrap(), mailbox.await.unwrap())
}
