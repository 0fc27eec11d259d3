//! One PostgreSQL for all tests of a process, a database for each test; a NATS for each test that wants one.

use app::dev::{LocalServers, Nats, NatsOptions, Postgres, ServerBinaries, StateDir, Which, fetch, quiet};
use journal::ConnectOptions;
use sqlx::{PgPool, Transaction};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;

const TEMPLATE: &str = "template_migrated";

/// Lives as long as the process; its servers die with it.
struct Cluster {
    postgres: Postgres,
    binaries: ServerBinaries,
    _state: StateDir,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

async fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(start).await
}

async fn start() -> Cluster {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.polikrami");
    let binaries = fetch::servers_async(&checkout, quiet()).await.unwrap();
    let state = StateDir::disposable().unwrap();
    let which = Which {
        postgres: true,
        // The data of a test need not outlive a power cut.
        postgres_settings: vec![("fsync".into(), "off".into()), ("max_connections".into(), "400".into())],
        ..Which::default()
    };
    let servers = LocalServers::start_fetched(state.path(), which, &binaries, quiet()).await.unwrap();
    let postgres = servers.postgres.unwrap();
    postgres.create_database(TEMPLATE, None).await.unwrap();
    let pool = journal::connect(&postgres.url(TEMPLATE), &ConnectOptions::default()).await.unwrap();
    journal::migrate::run(&pool).await.unwrap();
    pool.close().await;
    Cluster { postgres, binaries, _state: state }
}

/// The servers' programs.
pub async fn binaries() -> &'static ServerBinaries {
    &cluster().await.binaries
}

/// A migrated database of one's own.
pub struct TestDatabase {
    pub pool: PgPool,
    pub url: String,
}

pub async fn database() -> TestDatabase {
    let cluster = cluster().await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    cluster.postgres.create_database(&name, Some(TEMPLATE)).await.unwrap();
    let url = cluster.postgres.url(&name);
    let pool = journal::connect(&url, &ConnectOptions::default()).await.unwrap();
    TestDatabase { pool, url }
}

impl TestDatabase {
    /// Until this is dropped, no reader can save how far it has come: what is written meanwhile is not shown.
    pub async fn held_readers(&self) -> Transaction<'static, sqlx::Postgres> {
        let mut held = self.pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE checkpoints IN EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
        held
    }
}

/// A NATS server of one's own; ends when dropped.
pub struct TestNats {
    pub url: String,
    server: Nats,
    state: StateDir,
}

pub async fn nats() -> TestNats {
    let binaries = &cluster().await.binaries;
    let state = StateDir::disposable().unwrap();
    let options = NatsOptions {
        store_dir: state.path().join("nats"),
        log: state.path().join("nats.log"),
        port: None,
        bin: binaries.nats_server.clone(),
    };
    let server = Nats::start(options).await.unwrap();
    TestNats { url: server.url(), server, state }
}

impl TestNats {
    /// SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill().unwrap();
    }

    /// Starts again on the same port and store, after a kill or in place of the running one.
    pub async fn restart(&mut self) {
        self.server.stop().await.ok();
        self.server.start_again().await.unwrap();
    }

    /// While it is down: everything that it keeps on disk is gone.
    pub fn wipe(&self) {
        std::fs::remove_dir_all(self.state.path().join("nats/jetstream")).unwrap();
    }

    /// While it is down: one flipped bit in what it remembers of a consumer of the journal's stream.
    pub fn damage_consumer(&self, name: &str) -> String {
        let file =
            self.state.path().join("nats/jetstream/$G/streams/JOURNAL/obs").join(name).join("meta.inf");
        let remembered = std::fs::read_to_string(&file).unwrap();
        let damaged = remembered.replacen("ack_policy", "ack_pomicy", 1);
        assert_ne!(damaged, remembered);
        std::fs::write(&file, damaged).unwrap();
        format!("obs/{name}/meta.inf")
    }
}
