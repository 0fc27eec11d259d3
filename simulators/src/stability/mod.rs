//! The picture provider: one synchronous generation call, credits, filters, limits.
//!
//! - `generate`: one call from its bytes to its picture, with the faults around it.
//! - `form`: the multipart fields and their bounds; `refusal`: how the provider says no.
//! - `picture` and `scene`: the pictures themselves, a function of prompt and seed.
//! - `limiter`, `ledger`: what it counts; `account`: balance, control, the index page.

mod account;
pub mod fault;
mod form;
mod generate;
pub mod ledger;
mod limiter;
mod picture;
mod refusal;
mod scene;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::post;
use subtle::ConstantTimeEq as _;

pub use fault::{Call, Fault};
pub use ledger::Ledger;

use crate::faults::{self, FaultQueue};
use crate::running::{Door, Running};
use crate::store::Store;
use ledger::Change;
use limiter::Limiter;
use refusal::Refusal;

const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// What a fresh account has unless told otherwise.
pub const CREDITS_DEFAULT: f64 = 10_000.0;

/// How to start it.
#[derive(Clone, Debug)]
pub struct StabilityOptions {
    /// Port 0 takes a free one.
    pub bind: SocketAddr,
    /// The account's key.
    pub api_key: String,
    /// The balance of a fresh account; an existing state file keeps its own.
    pub credits: f64,
    /// Where state outlives the process.
    pub state_file: Option<PathBuf>,
}

/// A running picture provider.
pub struct StabilitySimulator {
    running: Running,
    provider: Arc<Stability>,
}

pub(crate) struct Stability {
    api_key: String,
    store: Store<Ledger>,
    faults: Arc<FaultQueue<Fault>>,
    limiter: Mutex<Limiter>,
}

impl Stability {
    /// `Authorization: Bearer <key>`
    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let key = header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
        if bool::from(key.as_bytes().ct_eq(self.api_key.as_bytes())) {
            return Ok(());
        }
        Err(Refusal::Unauthorized)
    }
}

/// Starts the provider.
pub async fn start(options: StabilityOptions) -> io::Result<StabilitySimulator> {
    let door = Door::bind(options.bind).await?;
    let store = Store::<Ledger>::open(options.state_file.as_deref())?;
    store.commit(|ledger| match ledger.credits {
        None => (vec![Change::Credits(options.credits)], ()),
        Some(_) => (Vec::new(), ()),
    })?;
    let provider = Arc::new(Stability {
        api_key: options.api_key,
        store,
        faults: Arc::default(),
        limiter: Mutex::default(),
    });
    let running = door.serve(router(&provider));
    Ok(StabilitySimulator { running, provider })
}

fn router(provider: &Arc<Stability>) -> Router {
    Router::new()
        .route("/v2beta/stable-image/generate/core", post(generate::core))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .merge(account::routes())
        .fallback(|| async { Refusal::NotFound })
        .with_state(Arc::clone(provider))
        .merge(faults::control(Arc::clone(&provider.faults)))
}

impl StabilitySimulator {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.running.addr
    }

    /// `http://host:port`, what the client is configured with.
    pub fn base_url(&self) -> String {
        self.running.base_url()
    }

    /// What it knows at this moment.
    pub fn ledger(&self) -> Ledger {
        self.provider.store.read(Ledger::clone)
    }

    /// What is to go wrong.
    pub fn faults(&self) -> &FaultQueue<Fault> {
        &self.provider.faults
    }

    /// Stops serving; the state file stays.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}
