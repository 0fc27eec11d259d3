//! One message's dialogue, and what an answer means at each step of it.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::{Error, response};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Accepted, CallError, Gate, PAUSE, Security, Server};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const GOODBYE: Duration = Duration::from_secs(2);
/// Greylisting wants 5–15 minutes.
const GREYLIST_PAUSE: Duration = Duration::from_mins(10);
const MAILBOX_FULL_PAUSE: Duration = Duration::from_hours(1);
const COMPLETED: u16 = 250;
const START_MAIL_INPUT: u16 = 354;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Connect,
    Login,
    From,
    To,
    Data,
    Content,
}

pub type Outcome = oneshot::Sender<Result<Accepted, CallError>>;

/// Tells the outcome as soon as it is known; saying goodbye comes after that.
pub async fn deliver(server: &Server, envelope: &Envelope, message: &[u8], gate: &Gate, outcome: Outcome) {
    let mut connection = match open(server).await {
        Ok(connection) => connection,
        Err(error) => return tell(outcome, Err(error)),
    };
    tell(outcome, converse(&mut connection, envelope, message, gate).await);
    goodbye(connection).await;
}

fn tell(outcome: Outcome, result: Result<Accepted, CallError>) {
    // Whoever no longer listens has closed the gate or has said "perhaps".
    outcome.send(result).ok();
}

pub async fn greet(server: &Server) -> Result<(), CallError> {
    goodbye(open(server).await?).await;
    Ok(())
}

async fn open(server: &Server) -> Result<AsyncSmtpConnection, CallError> {
    let at_once = server.tls.clone().filter(|_| server.security == Security::Tls);
    let address = (server.host.as_str(), server.port);
    let opening =
        AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_TIMEOUT), &server.ehlo, at_once, None);
    let mut connection = opening.await.map_err(|error| meaning(Step::Connect, error))?;
    if let Some(tls) = server.tls.clone().filter(|_| server.security == Security::StartTls) {
        if !connection.can_starttls() {
            return Err(CallError::misconfigured("smtp: the server offers no STARTTLS"));
        }
        connection.starttls(tls, &server.ehlo).await.map_err(|error| meaning(Step::Connect, error))?;
    }
    if let Some(credentials) = &server.credentials {
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        connection.auth(&mechanisms, credentials).await.map_err(|error| meaning(Step::Login, error))?;
    }
    Ok(connection)
}

async fn converse(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    message: &[u8],
    gate: &Gate,
) -> Result<Accepted, CallError> {
    let mail = Mail::new(envelope.from().cloned(), Vec::new());
    connection.command(mail).await.map_err(|error| meaning(Step::From, error))?;
    for recipient in envelope.to() {
        let rcpt = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(rcpt).await.map_err(|error| meaning(Step::To, error))?;
    }
    let ready = connection.command(Data).await.map_err(|error| meaning(Step::Data, error))?;
    if !ready.has_code(START_MAIL_INPUT) {
        return Err(CallError::retry(PAUSE, format!("smtp: DATA answered {}", ready.code())));
    }
    if !gate.enter() {
        return Err(CallError::retry(PAUSE, "smtp: given up before the content"));
    }
    let last = connection.message(message).await.map_err(|error| meaning(Step::Content, error))?;
    // The crate takes every 2xx and 3xx for success; only this one is.
    if !last.has_code(COMPLETED) {
        return Err(CallError::ambiguous(PAUSE, format!("smtp: the content was answered {}", last.code())));
    }
    Ok(Accepted { reply: format!("{COMPLETED} {}", last.message().collect::<Vec<_>>().join(" ")) })
}

/// The outcome is known; a server that does not say goodbye is left alone.
async fn goodbye(mut connection: AsyncSmtpConnection) {
    timeout(GOODBYE, connection.abort()).await.ok();
}

/// Server texts often repeat the address, so only codes go into ours.
fn meaning(step: Step, error: Error) -> CallError {
    let Some(code) = error.status() else {
        return without_status(step, error);
    };
    let number = u16::from(code);
    let enhanced = enhanced_code(&error.to_string());
    let what = format!("smtp {step:?}: {number} {}", enhanced.as_deref().unwrap_or_default());
    let mailbox_full = number == 552 || matches!(enhanced.as_deref(), Some("5.2.2" | "4.2.2"));
    match (code.severity, step) {
        (_, Step::To) if mailbox_full => CallError::retry(MAILBOX_FULL_PAUSE, what),
        (response::Severity::TransientNegativeCompletion, Step::Connect | Step::Login) => {
            CallError::retry(PAUSE, what)
        }
        (response::Severity::TransientNegativeCompletion, _) => CallError::retry(GREYLIST_PAUSE, what),
        (response::Severity::PermanentNegativeCompletion, _) if (530..=538).contains(&number) => {
            CallError::misconfigured(what)
        }
        (response::Severity::PermanentNegativeCompletion, Step::To | Step::Data | Step::Content) => {
            CallError::rejected(format!("smtp_{number}"), what)
        }
        (response::Severity::PermanentNegativeCompletion, Step::Connect | Step::Login | Step::From) => {
            CallError::misconfigured(what)
        }
        (response::Severity::PositiveCompletion | response::Severity::PositiveIntermediate, _) => {
            CallError::ambiguous(PAUSE, what)
        }
    }
}

fn without_status(step: Step, error: Error) -> CallError {
    let what = format!("smtp {step:?}: no complete answer");
    if step == Step::Content {
        return CallError::ambiguous(PAUSE, what).because(error);
    }
    let no_mechanism = step == Step::Login && error.is_client();
    if no_mechanism || error.is_tls() || is_bad_certificate(&error) {
        return CallError::misconfigured(format!("smtp {step:?}: {error}"));
    }
    CallError::retry(PAUSE, what).because(error)
}

/// A certificate for another name, or from nobody we know: no retry makes it better.
fn is_bad_certificate(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(current) = cause {
        let inner = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let rustls = inner
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .or_else(|| current.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(_)) = rustls {
            return true;
        }
        cause = current.source();
    }
    false
}

/// `5.1.1` out of a reply's text.
fn enhanced_code(text: &str) -> Option<String> {
    let words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let is_code = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let number = |part: &str| (1..=3).contains(&part.len());
        parts.len() == 3 && matches!(parts[0], "4" | "5") && parts.iter().all(|part| number(part))
    };
    words.map(|word| word.trim_matches('.')).find(is_code).map(ToOwned::to_owned)
}
