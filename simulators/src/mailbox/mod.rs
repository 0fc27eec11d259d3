//! An SMTP server that delivers nothing, keeps everything, and shows it on a web page.
//!
//! - `session`: one connection's dialogue; `lines`: what counts as a line; `reply`: what is said.
//! - `mail`: a message from its bytes to what people see; `ledger`: all of them.
//! - `web` and `api`: looking at them.

mod api;
pub mod fault;
pub mod ledger;
mod lines;
pub mod mail;
mod reply;
mod session;
mod web;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use fault::{Fault, Step};
pub use ledger::Ledger;

use crate::faults::{self, FaultQueue};
use crate::running::{Door, Running};
use crate::store::Store;

/// What a client must log in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// How to start it.
#[derive(Clone, Debug)]
pub struct MailboxOptions {
    /// Port 0 takes a free one.
    pub smtp_bind: SocketAddr,
    /// Port 0 takes a free one.
    pub http_bind: SocketAddr,
    /// With them, AUTH is offered and mail without it refused.
    pub credentials: Option<Credentials>,
    /// Where state outlives the process.
    pub state_file: Option<PathBuf>,
}

/// A running mailbox.
pub struct MailboxSimulator {
    smtp: Running,
    web: Running,
    mailbox: Arc<Mailbox>,
}

pub(crate) struct Mailbox {
    credentials: Option<Credentials>,
    store: Store<Ledger>,
    faults: Arc<FaultQueue<Fault>>,
}

/// Starts both servers.
pub async fn start(options: MailboxOptions) -> io::Result<MailboxSimulator> {
    let listener = TcpListener::bind(options.smtp_bind).await?;
    let door = Door::bind(options.http_bind).await?;
    let mailbox = Arc::new(Mailbox {
        credentials: options.credentials,
        store: Store::open(options.state_file.as_deref())?,
        faults: Arc::default(),
    });
    let smtp = receive(listener, Arc::clone(&mailbox))?;
    let web = door.serve(router(&mailbox));
    Ok(MailboxSimulator { smtp, web, mailbox })
}

fn router(mailbox: &Arc<Mailbox>) -> Router {
    Router::new()
        .merge(web::routes())
        .merge(api::routes())
        .with_state(Arc::clone(mailbox))
        .merge(faults::control(Arc::clone(&mailbox.faults)))
}

fn receive(listener: TcpListener, mailbox: Arc<Mailbox>) -> io::Result<Running> {
    let addr = listener.local_addr()?;
    let cutting = CancellationToken::new();
    Ok(Running::start(addr, cutting.clone(), |stopping| async move {
        let sessions = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopping.cancelled() => break,
            };
            let Ok((stream, _)) = accepted else { continue };
            let (mailbox, cutting) = (Arc::clone(&mailbox), cutting.clone());
            sessions.spawn(cutting.run_until_cancelled_owned(async move {
                if let Err(error) = session::talk(stream, &mailbox).await {
                    tracing::debug!(%error, "mail connection ended early");
                }
            }));
        }
        sessions.close();
        sessions.wait().await;
    }))
}

impl MailboxSimulator {
    /// Where mail is handed in.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp.addr
    }

    /// `http://host:port` of the web page and the API.
    pub fn base_url(&self) -> String {
        self.web.base_url()
    }

    /// All mail at this moment.
    pub fn ledger(&self) -> Ledger {
        self.mailbox.store.read(Ledger::clone)
    }

    /// What is to go wrong.
    pub fn faults(&self) -> &FaultQueue<Fault> {
        &self.mailbox.faults
    }

    /// Stops both servers; the state file stays.
    pub async fn stop(self) {
        self.smtp.stop().await;
        self.web.stop().await;
    }
}
