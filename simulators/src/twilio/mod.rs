//! The provider of text messages: takes them, delivers nothing, and shows everything on a web page.
//!
//! - `messages`: one call from its form to its message, with the faults around it.
//! - `refusal`: how the provider says no; `ledger`: what it took.
//! - `web`: looking at the messages, as a page and as JSON.

pub mod fault;
pub mod ledger;
mod messages;
mod refusal;
mod web;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

pub use fault::{Call, Fault};
pub use ledger::Ledger;

use crate::faults::{self, FaultQueue};
use crate::running::{Door, Running};
use crate::store::Store;
use refusal::Refusal;

/// How to start it.
#[derive(Clone, Debug)]
pub struct TwilioOptions {
    /// Port 0 takes a free one.
    pub bind: SocketAddr,
    /// The account, which is also the login's name.
    pub account_sid: String,
    /// The login's password.
    pub auth_token: String,
    /// The account's only sender.
    pub from: String,
    /// Where state outlives the process.
    pub state_file: Option<PathBuf>,
}

/// A running provider.
pub struct TwilioSimulator {
    running: Running,
    provider: Arc<Twilio>,
}

pub(crate) struct Twilio {
    account_sid: String,
    auth_token: String,
    from: String,
    store: Store<Ledger>,
    faults: Arc<FaultQueue<Fault>>,
}

impl Twilio {
    /// `Authorization: Basic <SID:token>`, and the account of the path is the login's own.
    fn authorize(&self, headers: &HeaderMap, account: &str) -> Result<(), Refusal> {
        let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let given = header.and_then(|header| header.strip_prefix("Basic ")).unwrap_or_default();
        let login = STANDARD.encode(format!("{}:{}", self.account_sid, self.auth_token));
        if !bool::from(given.as_bytes().ct_eq(login.as_bytes())) {
            return Err(Refusal::Unauthorized);
        }
        if account == self.account_sid { Ok(()) } else { Err(Refusal::NotFound) }
    }
}

/// Starts the provider.
pub async fn start(options: TwilioOptions) -> io::Result<TwilioSimulator> {
    let door = Door::bind(options.bind).await?;
    let provider = Arc::new(Twilio {
        account_sid: options.account_sid,
        auth_token: options.auth_token,
        from: options.from,
        store: Store::open(options.state_file.as_deref())?,
        faults: Arc::default(),
    });
    let running = door.serve(router(&provider));
    Ok(TwilioSimulator { running, provider })
}

fn router(provider: &Arc<Twilio>) -> Router {
    Router::new()
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(messages::create))
        .merge(web::routes())
        .fallback(|| async { Refusal::NotFound })
        .with_state(Arc::clone(provider))
        .merge(faults::control(Arc::clone(&provider.faults)))
}

impl TwilioSimulator {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.running.addr
    }

    /// `http://host:port`, what the client is configured with, and where the page is.
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
