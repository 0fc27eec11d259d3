//! One connection per message, spoken step by step, so that we know how far a failed one had come.
//!
//! Only the time between the final dot and the server's answer is ambiguous. A sender that gives up
//! before it tells the dialogue not to begin with the content; one that gives up later says "perhaps".

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use url::Host;

use super::message;
use super::{Accepted, MailAddress, OutgoingMail};
use crate::integrations::CallError;

#[path = "dialogue.rs"]
mod dialogue;

const CONNECTIONS_MAX: usize = 8;
const PLACE_WAIT: Duration = Duration::from_secs(10);
/// RFC 5321 grants a server ten minutes for its last answer; after that the connection is dropped.
const DIALOGUE_MAX: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte (port 465).
    Tls,
    /// STARTTLS, required (port 587).
    StartTls,
    /// For the sink on this machine; refused for any other host.
    PlainLoopbackOnly,
}

#[derive(Clone)]
pub struct SmtpCredentials {
    pub user: String,
    pub password: String,
}

#[derive(Debug, Clone)]
pub struct Sender {
    pub address: MailAddress,
    pub name: Option<String>,
}

#[derive(Clone)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<SmtpCredentials>,
    /// A certificate authority besides the public ones, PEM.
    pub extra_root_pem: Option<Vec<u8>>,
    pub from: Sender,
    /// A resolvable name of ours: receivers score it.
    pub ehlo: String,
    /// How long `send` waits for a whole message; 2–10 min, since giving up after the dot makes doubles.
    pub deadline: Duration,
}

#[derive(Clone)]
pub struct Mailer {
    server: Arc<Server>,
    from: Sender,
    deadline: Duration,
    places: Arc<Semaphore>,
    dialogues: TaskTracker,
}

/// What a dialogue needs to know of the other side.
struct Server {
    host: String,
    port: u16,
    security: Security,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    ehlo: ClientId,
}

/// Whether the content may be sent, is being sent, or must not be sent any more.
#[derive(Default)]
struct Gate(AtomicU8);

const OPEN: u8 = 0;
const SENDING: u8 = 1;
const CLOSED: u8 = 2;

impl Gate {
    /// The dialogue, before the first byte of content.
    fn enter(&self) -> bool {
        self.0.compare_exchange(OPEN, SENDING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whoever gives up. True: no content was sent, nor will be.
    fn close(&self) -> bool {
        match self.0.compare_exchange(OPEN, CLOSED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == CLOSED,
        }
    }

    fn gave_up(&self, what: &str) -> CallError {
        if self.close() { CallError::retry(PAUSE, what) } else { CallError::ambiguous(PAUSE, what) }
    }
}

impl Mailer {
    pub fn new(config: SmtpConfig) -> Result<Self, CallError> {
        if config.security == Security::PlainLoopbackOnly && !is_loopback(&config.host) {
            return Err(CallError::misconfigured("smtp: plain text is for this machine only"));
        }
        let tls = match config.security {
            Security::PlainLoopbackOnly => None,
            Security::Tls | Security::StartTls => Some(tls(&config)?),
        };
        let credentials = config.credentials.map(|login| Credentials::new(login.user, login.password));
        let server = Server {
            host: config.host,
            port: config.port,
            security: config.security,
            tls,
            credentials,
            ehlo: ClientId::Domain(config.ehlo),
        };
        Ok(Self {
            server: Arc::new(server),
            from: config.from,
            deadline: config.deadline,
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            dialogues: TaskTracker::new(),
        })
    }

    /// Returns in time; a dialogue that hangs goes on by itself, is bounded, and shares nothing with others.
    pub async fn send(&self, mail: &OutgoingMail) -> Result<Accepted, CallError> {
        let (envelope, bytes) = message::build(&self.from, mail)?;
        let Ok(Ok(place)) = timeout(PLACE_WAIT, Arc::clone(&self.places).acquire_owned()).await else {
            return Err(CallError::retry(PAUSE, "smtp: all connections are busy"));
        };
        let gate = Arc::new(Gate::default());
        let (server, passing) = (Arc::clone(&self.server), Arc::clone(&gate));
        let (outcome, heard) = oneshot::channel();
        self.dialogues.spawn(async move {
            let _place = place;
            // When the time is over the connection is dropped, and with it `outcome`: that is heard below.
            timeout(DIALOGUE_MAX, dialogue::deliver(&server, &envelope, &bytes, &passing, outcome))
                .await
                .ok();
        });
        match timeout(self.deadline, heard).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(gate.gave_up("smtp: the dialogue broke off")),
            Err(_) => Err(gate.gave_up("smtp: no answer in time")),
        }
    }

    /// Proves address, certificate and login without a message.
    pub async fn test(&self) -> Result<(), CallError> {
        match timeout(self.deadline, dialogue::greet(&self.server)).await {
            Ok(result) => result,
            Err(_) => Err(CallError::retry(PAUSE, "smtp: no answer in time")),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

fn tls(config: &SmtpConfig) -> Result<TlsParameters, CallError> {
    let unusable = |error| CallError::misconfigured(format!("smtp: TLS: {error}"));
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(pem) = &config.extra_root_pem {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
    }
    parameters.build().map_err(unusable)
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
