//! Wires the crates into one running service. The only place that knows all of them.

mod admin;
mod flows_owner;
mod http_metrics;
mod parts;
mod seals;
mod serve;
mod supervise;
mod sweeper;

use crate::config::groups::Server;
use crate::config::{Role, Settings};
use api::auth::Keyring;
use axum::middleware::from_fn_with_state;
use futures::FutureExt;
use http_metrics::HttpMetrics;
use journal::{Clock, Commands, ConnectOptions, Wake, relay, writer};
use parts::PartsError;
use sagas::flows::{self, Timing};
use sagas::runner::{Policy, Runner};
use serve::Crowding;
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use supervise::Supervisor;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Operators and their machines.
const ADMIN_CONNECTIONS_MAX: usize = 64;

/// A service that is told how to start; tests change more than the environment can.
#[derive(Clone)]
pub struct Options {
    pub settings: Settings,
    pub roles: BTreeSet<Role>,
    pub clock: Clock,
    pub timing: Timing,
    pub policy: Policy,
    pub passwords: api::config::HashingSettings,
    /// Of one call to a provider, from connecting to the last byte.
    pub provider_timeout: Duration,
    /// Of one mail, from connecting to the server's last word.
    pub mail_deadline: Duration,
}

/// Why the service did not start; the text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("PostgreSQL at DATABASE_URL does not answer; is it running, and is the address right?")]
    Database(#[source] sqlx::Error),
    #[error("the database could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error("NATS_URL cannot be used")]
    Nats(#[from] async_nats::ConnectError),
    #[error("{address} cannot be listened on; is another service running there?")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Parts(#[from] PartsError),
    #[error("the read models could not be brought up to this release")]
    ReadModels(#[from] projections::RebuildError),
}

/// A running service.
pub struct Service {
    /// Where the API listens, when this process has that role.
    pub api: Option<SocketAddr>,
    pub admin: SocketAddr,
    pub pool: PgPool,
    pub commands: Commands,
    /// What seeding needs.
    pub state: api::AppState,
    serving: Supervisor,
    stop: CancellationToken,
    writer_stop: CancellationToken,
    supervisor: Supervisor,
    writer: JoinSet<()>,
}

impl Options {
    pub fn new(settings: Settings) -> Self {
        let first = settings.payments.check_after.0;
        let mut timing = Timing::default();
        if let Some(pause) = timing.payment_checks.first_mut() {
            *pause = first;
        }
        Self {
            settings,
            roles: Role::ALL.into(),
            clock: Clock::system(),
            timing,
            policy: Policy::default(),
            passwords: api::config::HashingSettings::default(),
            provider_timeout: Self::PROVIDER_TIMEOUT,
            mail_deadline: Self::MAIL_DEADLINE,
        }
    }
}

impl Service {
    /// Connects, migrates, and starts every role that was asked for.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let database = options.settings.servers.database.expose();
        let pool = migrated(database).await?;
        let writer_stop = CancellationToken::new();
        let (writer, writing) = writer::new(&pool, writer_stop.clone());
        let mut writer_task = JoinSet::new();
        writer_task.spawn(writing);
        let commands = Commands::new(pool.clone(), writer, options.clock.clone());
        // Queries that wait for their own write are woken by the projections of this process.
        let moved = watch::Sender::new(0);
        let keyring = parts::keyring(&options, &pool).await?;
        let state = parts::api_state(&options, &pool, &commands, keyring.clone(), moved.subscribe())?;
        let stop = CancellationToken::new();
        let mut supervisor = Supervisor::new(stop.clone());
        start_housekeeping(&options, &pool, &keyring, &mut supervisor);
        let relay = start_readers(&options, &pool, &commands, &moved, &mut supervisor).await?;
        let http = HttpMetrics::default();
        let (mut api, mut serving) = (None, Supervisor::new(CancellationToken::new()));
        let server = &options.settings.server;
        let connections_max = server.connections_max.0 as usize;
        if options.roles.contains(&Role::Api) {
            api = Some(serve::start(
                listen(server),
                api::router(state.clone()).layer(from_fn_with_state(http.clone(), http_metrics::record)),
                connections_max,
                http.crowding.clone(),
                &mut serving,
            )?);
        }
        let looking = admin::connect(database).await.map_err(StartError::Database)?;
        let admin_router = admin::router(looking, commands.clone(), relay, http);
        let admin = server.admin_listen;
        let crowding = Crowding::default();
        let admin = serve::start(admin, admin_router, ADMIN_CONNECTIONS_MAX, crowding, &mut supervisor)?;
        Ok(Self {
            api,
            admin,
            pool,
            commands,
            state,
            serving,
            stop,
            writer_stop,
            supervisor,
            writer: writer_task,
        })
    }

    /// Takes no more requests, lets begun ones and begun steps end, writes what waits, closes.
    pub async fn stop(mut self) {
        // The requests first: some of them wait for what the others do.
        self.serving.end().await;
        self.state.unattended.end().await;
        self.stop.cancel();
        self.supervisor.join().await;
        // The writer last: everything that ends may still have something to write.
        self.writer_stop.cancel();
        if let Some(Err(error)) = self.writer.join_next().await {
            tracing::error!(error = %error, "the writer ended badly");
        }
        self.pool.close().await;
    }
}

/// Connects to a database whose tables and read models are those of this release.
async fn migrated(database: &str) -> Result<PgPool, StartError> {
    let connect = async || journal::connect(database, &ConnectOptions::default()).await;
    let pool = connect().await.map_err(StartError::Database)?;
    journal::migrate::run(&pool).await.map_err(StartError::Migrate)?;
    projections::rebuild_outdated(&pool, |_, _, _| {}).await?;
    // Reconnected, so that every connection has the role that the migration made.
    pool.close().await;
    connect().await.map_err(StartError::Database)
}

/// Relay, sagas, projections, timers, seals: all that follow the journal. Answers where to see the relay's state.
async fn start_readers(
    options: &Options,
    pool: &PgPool,
    commands: &Commands,
    moved: &watch::Sender<i64>,
    supervisor: &mut Supervisor,
) -> Result<Option<relay::StatusReader>, StartError> {
    let mut relay = None;
    let wake = || commands.writer().wake();
    for role in &options.roles {
        match role {
            Role::Api => {}
            Role::Projections => start_projections(pool, wake(), moved.clone(), supervisor),
            Role::Timers => {
                let (pool, commands, clock) = (pool.clone(), commands.clone(), options.clock.clone());
                supervisor.start("timers", move |stop| {
                    journal::timers::runner::run(pool.clone(), commands.clone(), clock.clone(), stop).boxed()
                });
            }
            Role::Seals => {
                let (pool, wake) = (pool.clone(), wake());
                supervisor.start("seals", move |stop| seals::run(pool.clone(), wake.clone(), stop).boxed());
            }
            Role::Relay => relay = Some(start_relay(options, pool, wake(), supervisor).await?),
            Role::Sagas => start_sagas(options, pool, commands, supervisor).await?,
        }
    }
    Ok(relay)
}

/// What every process does beside its roles.
fn start_housekeeping(options: &Options, pool: &PgPool, keyring: &Keyring, supervisor: &mut Supervisor) {
    let (keyring, secret, clock) = (keyring.clone(), parts::access_secret(options), options.clock.clone());
    let of = pool.clone();
    supervisor.start("signing keys", move |stop| {
        keyring.clone().follow(of.clone(), secret.clone(), clock.clone(), stop).boxed()
    });
    if options.roles.contains(&Role::Timers) {
        let (pool, clock) = (pool.clone(), options.clock.clone());
        supervisor.start("sweeper", move |stop| sweeper::run(pool.clone(), clock.clone(), stop).boxed());
    }
}

fn start_projections(pool: &PgPool, wake: Wake, moved: watch::Sender<i64>, supervisor: &mut Supervisor) {
    let pool = pool.clone();
    supervisor.start("projections", move |stop| {
        projections::run_announcing(pool.clone(), wake.clone(), moved.clone(), stop).boxed()
    });
}

async fn start_relay(
    options: &Options,
    pool: &PgPool,
    wake: Wake,
    supervisor: &mut Supervisor,
) -> Result<relay::StatusReader, StartError> {
    let client = parts::nats(options.settings.servers.nats.expose()).await?;
    let pool = pool.clone();
    let (status, reader) = relay::status();
    supervisor
        .once(move |stop| relay::run(pool, client, wake, relay::StreamOptions::default(), status, stop));
    Ok(reader)
}

async fn start_sagas(
    options: &Options,
    pool: &PgPool,
    commands: &Commands,
    supervisor: &mut Supervisor,
) -> Result<(), StartError> {
    let client = parts::nats(options.settings.servers.nats.expose()).await?;
    let effects = Arc::new(parts::effects(options, pool, commands)?);
    let (timing, policy, pool) = (options.timing.clone(), options.policy.clone(), pool.clone());
    supervisor.start("sagas", move |stop| {
        let make = |flow| Arc::new(Runner::new(flow, Arc::clone(&effects), timing.clone(), policy.clone()));
        flows_owner::run(pool.clone(), client.clone(), flows::ALL.map(make).into(), stop).boxed()
    });
    Ok(())
}

fn listen(server: &Server) -> SocketAddr {
    SocketAddr::new(server.host, server.port)
}
