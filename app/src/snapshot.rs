//! The service at one moment: what the database says of it, and what its process alone knows.
//!
//! `GET /status`, `GET /metrics` and `polikrami status` show the same picture.

mod process;

pub use process::{Activity, Process, Relay, Writer};

use journal::health::{self, Flow, Intent, Letters, Owner, Timers};
use journal::{read, relay};
use projections::State;
use sagas::action::{Action, Call};
use sagas::flows::{self, Heard, Timing};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// Locks of the work that one process does for all; each is also the name of a role.
pub const ROLES: [&str; 5] = [relay::NAME, FLOWS, PROJECTIONS, journal::timers::runner::NAME, SEALS];
pub const FLOWS: &str = "sagas";
pub const PROJECTIONS: &str = "projections";
/// Lock and checkpoint of the reader that recomputes hashes.
pub const SEALS: &str = "seals";

/// What the database says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Journal {
    pub head: i64,
    pub readers: Vec<Reader>,
    pub flows: Vec<Flow>,
    pub intents: Vec<Waiting>,
    pub dead_letters: Vec<Letters>,
    pub timers: Timers,
    pub roles: Vec<Owner>,
}

/// Who reads every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    ReadModel,
    Relay,
    Seals,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reader {
    pub reader: String,
    pub kind: Kind,
    pub position: i64,
    pub behind_events: i64,
    /// Age of the first event that it has not read; 0 at the head.
    pub behind_ms: i64,
    #[serde(flatten)]
    pub state: State,
}

/// A step without an end, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    #[serde(flatten)]
    pub intent: Intent,
    pub step: String,
}

/// Looks, and gives up after `within`: a database that hangs must not hang whoever asks.
pub async fn look_within(pool: &PgPool, within: Duration) -> Result<Journal, String> {
    match tokio::time::timeout(within, look(pool)).await {
        Ok(Ok(journal)) => Ok(journal),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {within:?}")),
    }
}

pub async fn look(pool: &PgPool) -> Result<Journal, sqlx::Error> {
    let states = projections::status(pool).await?;
    let mut connection = pool.acquire().await?;
    let mut names: Vec<&str> = states.iter().map(|one| one.name).collect();
    names.extend([relay::NAME, SEALS]);
    let readers = health::readers(&mut *connection, &names).await?;
    let head = readers.first().map_or(0, |reader| reader.head);
    let mut flows = Vec::new();
    for flow in &flows::ALL {
        flows.push(health::flow(&mut *connection, flow.name, flow.interests).await?);
    }
    Ok(Journal {
        head,
        readers: readers.into_iter().map(|seen| reader(seen, &states)).collect(),
        flows,
        intents: waiting(&mut connection).await?,
        dead_letters: health::letters(&mut *connection).await?,
        timers: health::timers(&mut *connection).await?,
        roles: health::owners(&mut *connection, &ROLES).await?,
    })
}

fn reader(seen: health::Reader, states: &[projections::Status]) -> Reader {
    let state = states.iter().find(|one| one.name == seen.reader).map(|one| one.state.clone());
    let kind = match (&state, seen.reader == SEALS) {
        (Some(_), _) => Kind::ReadModel,
        (None, true) => Kind::Seals,
        (None, false) => Kind::Relay,
    };
    Reader {
        reader: seen.reader,
        kind,
        position: seen.position,
        behind_events: seen.behind_events,
        behind_ms: seen.behind_ms,
        state: state.unwrap_or(State::Live),
    }
}

async fn waiting(connection: &mut PgConnection) -> Result<Vec<Waiting>, sqlx::Error> {
    let names = flows::ALL.map(|flow| flow.name);
    let mut waiting = Vec::new();
    for intent in health::intents(&mut *connection, &names).await? {
        // The table keeps the place of a step; what it is, the flow says again from the event.
        let envelope = match read::event(&mut *connection, intent.position).await {
            Ok(envelope) => envelope,
            Err(read::ReadError::Database(error)) => return Err(error),
            Err(_) => None,
        };
        let step = envelope.and_then(|envelope| step_of(&intent, &envelope));
        waiting.push(Waiting { step: step.unwrap_or("a step").to_owned(), intent });
    }
    Ok(waiting)
}

fn step_of(intent: &Intent, envelope: &domain::Envelope) -> Option<&'static str> {
    let flow = flows::ALL.into_iter().find(|flow| flow.name == intent.flow)?;
    let (event, aggregate) = (envelope.decode().ok()?, envelope.aggregate_id.parse().ok()?);
    let actions = (flow.react)(Heard { aggregate, event: &event }, &Timing::default());
    actions.get(usize::try_from(intent.action_index).ok()?).map(words)
}

fn words(action: &Action) -> &'static str {
    match action {
        Action::Do { .. } => "a command",
        Action::After { .. } => "setting a timer",
        Action::Call { call } => match call {
            Call::OpenCheckout { .. } => "opening a payment page",
            Call::VerifyPayment { .. } => "asking the provider about a payment",
            Call::CancelPayment { .. } => "giving money back",
            Call::IssueInvoice { .. } => "issuing an invoice",
            Call::FileInvoice { .. } => "filing an invoice",
            Call::GeneratePicture { .. } => "painting a picture",
            Call::MailVerification { .. } => "mailing a verification link",
            Call::MailPasswordReset { .. } => "mailing a password reset",
            Call::MailPasswordChanged { .. } | Call::MailSessionStolen { .. } => "mailing a notice",
            Call::PutPasswordInForce { .. } => "putting a password in force",
            Call::PutRoleInForce { .. } => "putting a role in force",
            Call::TextPhoneCode { .. } => "texting a phone code",
            Call::PutPhoneInForce { .. } => "putting a phone number in force",
            Call::MailOrderConfirmation { .. } => "mailing an order confirmation",
        },
    }
}
