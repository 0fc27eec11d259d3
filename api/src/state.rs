//! What handlers can ask for. Each names the part that it needs as `State<Part>`; none takes the whole.

use crate::auth::{AccessTokens, Keyring, Passwords, Sessions};
use crate::limits::Limiter;
use crate::portrait::Portraits;
use crate::wait::Visibility;
use crate::{ApiConfig, Chance};
use axum::extract::FromRef;
use futures::future::BoxFuture;
use journal::{Clock, Commands};
use object_store::ObjectStore;
use sqlx::PgPool;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Everything, for [`crate::router`]; cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub config: Arc<ApiConfig>,
    pub pool: PgPool,
    pub commands: Commands,
    pub clock: Clock,
    pub chance: Chance,
    pub access_tokens: AccessTokens,
    pub passwords: Passwords,
    pub sessions: Sessions,
    pub limiter: Limiter,
    pub visibility: Visibility,
    pub readiness: Readiness,
    pub public_files: PublicFiles,
    pub private_files: PrivateFiles,
    pub portraits: Portraits,
    pub unattended: Unattended,
}

/// What [`AppState::new`] is given; the rest is made from the configuration.
pub struct Parts {
    pub config: ApiConfig,
    pub keyring: Keyring,
    pub pool: PgPool,
    pub commands: Commands,
    pub visibility: Visibility,
    pub readiness: Readiness,
    pub public_files: Arc<dyn ObjectStore>,
    pub private_files: Arc<dyn ObjectStore>,
}

/// The password settings are such as Argon2 does not take.
#[derive(Debug, thiserror::Error)]
#[error("the password settings are not usable: {0}")]
pub struct StateError(pub argon2::Error);

impl AppState {
    pub fn new(parts: Parts) -> Result<Self, StateError> {
        let Parts { config, keyring, pool, commands, visibility, readiness, public_files, private_files } =
            parts;
        let clock = commands.clock().clone();
        let chance = Chance;
        let access_tokens = AccessTokens::new(keyring, &config.tokens);
        let passwords = Passwords::new(&config.passwords, chance).map_err(StateError)?;
        let sessions = Sessions {
            pool: pool.clone(),
            clock: clock.clone(),
            chance,
            secret: config.tokens.refresh_secret.clone(),
            life: config.tokens.refresh_life,
        };
        let secret = config.server_secret.clone();
        let limiter = Limiter::new(pool.clone(), clock.clone(), secret, config.rules);
        Ok(Self {
            config: Arc::new(config),
            pool,
            commands,
            clock,
            chance,
            access_tokens,
            passwords,
            sessions,
            limiter,
            visibility,
            readiness,
            public_files: PublicFiles(public_files),
            private_files: PrivateFiles(private_files),
            portraits: Portraits::default(),
            unattended: Unattended::default(),
        })
    }
}

/// Renditions that everyone may see.
#[derive(Clone)]
pub struct PublicFiles(pub Arc<dyn ObjectStore>);

/// Originals and invoices; a route hands them out only to their owner.
#[derive(Clone)]
pub struct PrivateFiles(pub Arc<dyn ObjectStore>);

/// Requests that run to their end although nobody may wait for the answer. Whoever stops the service waits for them.
#[derive(Clone, Default)]
pub struct Unattended(pub TaskTracker);

impl Unattended {
    /// Until all have ended; no new ones may come any more.
    pub async fn end(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

/// One thing that must work before traffic is taken: `Err` says, without secrets, what does not.
pub type ReadyCheck = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What `GET /ready` asks, by name.
#[derive(Clone, Default)]
pub struct Readiness(pub Arc<[(String, ReadyCheck)]>);

impl Readiness {
    pub fn new(checks: Vec<(String, ReadyCheck)>) -> Self {
        Self(checks.into())
    }
}
