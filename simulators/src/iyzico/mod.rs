//! The payment provider: hosted checkout with 3-D Secure, queries, cancel and refund.
//!
//! - `calls`: one signed call from its bytes to its answer, with the faults around it.
//! - `initialize`, `queries`, `reversal`: what the calls do; `result` and `envelope`: how it is said.
//! - `page` and `flow`: what the buyer sees, and what it leads to.
//! - `control`: looking inside.

pub mod amount;
mod calls;
pub mod cards;
mod control;
mod envelope;
pub mod fault;
mod flow;
mod initialize;
pub mod ledger;
mod page;
mod queries;
mod result;
mod reversal;
mod signature;
pub mod webhook;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::routing::{get, post};

pub use fault::{Call, Fault};
pub use ledger::Ledger;

use crate::faults::{self, FaultQueue};
use crate::running::{Door, Running};
use crate::store::Store;

const TOKEN_LIFE_MS_DEFAULT: i64 = 1_800_000;

/// How to start it.
#[derive(Clone, Debug)]
pub struct IyzicoOptions {
    /// Port 0 takes a free one.
    pub bind: SocketAddr,
    /// The merchant's key.
    pub api_key: String,
    /// The merchant's secret.
    pub secret_key: String,
    /// Where state outlives the process.
    pub state_file: Option<PathBuf>,
}

/// A running payment provider.
pub struct IyzicoSimulator {
    running: Running,
    provider: Arc<Iyzico>,
}

pub(crate) struct Iyzico {
    api_key: String,
    secret_key: String,
    base_url: String,
    store: Store<Ledger>,
    faults: Arc<FaultQueue<Fault>>,
    webhooks: webhook::Webhooks,
    token_life_ms: AtomicI64,
}

impl Iyzico {
    fn token_life_ms(&self) -> i64 {
        self.token_life_ms.load(Ordering::Relaxed)
    }
}

/// Starts the provider.
pub async fn start(options: IyzicoOptions) -> io::Result<IyzicoSimulator> {
    let door = Door::bind(options.bind).await?;
    let provider = Arc::new(Iyzico {
        api_key: options.api_key,
        secret_key: options.secret_key,
        base_url: crate::running::base_url(door.addr),
        store: Store::open(options.state_file.as_deref())?,
        faults: Arc::default(),
        webhooks: webhook::Webhooks::default(),
        token_life_ms: AtomicI64::new(TOKEN_LIFE_MS_DEFAULT),
    });
    let running = door.serve(router(&provider));
    Ok(IyzicoSimulator { running, provider })
}

fn router(provider: &Arc<Iyzico>) -> Router {
    Router::new()
        .merge(calls::routes())
        .route("/checkout/{token}", get(page::show).post(page::enter_card))
        .route("/checkout/{token}/3ds", post(page::enter_sms).get(page::show))
        .merge(control::routes())
        .with_state(Arc::clone(provider))
        .merge(faults::control(Arc::clone(&provider.faults)))
}

impl IyzicoSimulator {
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
