//! What a replay would do now, as far as our own records say. Shown before a replay, and asked again by it.

use crate::action::{Action, Call};
use domain::account::{Account, Proof};
use domain::ai_job::{AiJob, Picture};
use domain::order::Order;
use domain::payment::Payment;
use domain::{AccountId, AiJobId, Command, OrderId, PaymentId};
use journal::dead_letters::{self, DeadLetter, Replay};
use journal::inbox::{self, Intent, Step};
use journal::timers::runner as timers;
use journal::{CommandError, Commands, Context};
use sqlx::PgPool;
use std::fmt;
use uuid::Uuid;

pub(super) const BROKEN_OFF: &str =
    "the process ended in the middle of the replay; the mail or message may have gone out";

/// What a replay would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    Does(String),
    /// The step no longer fits what has happened since.
    NothingToDo(String),
    /// The effect may be there already and nobody can be asked: needs the word of an operator.
    Unclear(String),
    /// This release does not know the action.
    Unreadable(String),
}

impl fmt::Display for Prospect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Does(words) => write!(f, "would do: {words}"),
            Self::NothingToDo(words) => write!(f, "nothing to do: {words}"),
            Self::Unclear(words) => write!(f, "may have happened: {words}"),
            Self::Unreadable(words) => f.write_str(words),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProspectError {
    #[error("the state of the aggregate could not be read")]
    State(#[from] CommandError),
    #[error("the inbox could not be read")]
    Store(#[from] sqlx::Error),
}

pub(super) fn unreadable(error: &serde_json::Error) -> String {
    format!("this release cannot read the action: {error}")
}

/// Changes nothing, and asks no provider.
pub async fn prospect(
    commands: &Commands,
    pool: &PgPool,
    letter: &DeadLetter,
) -> Result<Prospect, ProspectError> {
    if letter.flow == timers::NAME {
        return Ok(timer(letter));
    }
    if letter.action.is_null() {
        return Ok(Prospect::Does("reads the event anew and does all its steps".into()));
    }
    let action = match serde_json::from_value::<Action>(letter.action.clone()) {
        Ok(action) => action,
        Err(error) => return Ok(Prospect::Unreadable(unreadable(&error))),
    };
    let step = Step {
        saga: &letter.flow,
        position: letter.position.unwrap_or_default(),
        action_index: letter.action_index,
    };
    let intent = inbox::get(pool, step).await?;
    // The process died between the letter and the end of its step, which was then taken up once more.
    if let Some(outcome) = intent.as_ref().and_then(Intent::success) {
        return Ok(Prospect::NothingToDo(format!("the step was done after all: {outcome}")));
    }
    Ok(match action {
        Action::Do { .. } => Prospect::Does("the aggregate decides the command anew".into()),
        Action::After { .. } => Prospect::Does("sets the timer, unless it is set".into()),
        Action::Call { call } => Look { commands, pool, letter, intent }.call(&call).await?,
    })
}

fn timer(letter: &DeadLetter) -> Prospect {
    let command = serde_json::from_value::<Command>(letter.action["command"].clone());
    let context = serde_json::from_value::<Context>(letter.action["context"].clone());
    match (command, context) {
        (Ok(_), Ok(_)) => Prospect::Does("fires the timer again, under its own id".into()),
        (Err(error), _) | (_, Err(error)) => Prospect::Unreadable(unreadable(&error)),
    }
}

struct Look<'a> {
    commands: &'a Commands,
    pool: &'a PgPool,
    letter: &'a DeadLetter,
    intent: Option<Intent>,
}

impl Look<'_> {
    async fn call(&self, call: &Call) -> Result<Prospect, ProspectError> {
        match call {
            Call::OpenCheckout { payment } => self.open_checkout(*payment).await,
            Call::VerifyPayment { payment } => self.verify_payment(*payment).await,
            Call::CancelPayment { payment } => self.cancel_payment(*payment).await,
            Call::IssueInvoice { order } => self.issue_invoice(*order).await,
            Call::FileInvoice { .. } => does("makes the PDF, unless it is filed"),
            Call::GeneratePicture { job, index } => self.picture(*job, *index).await,
            Call::MailVerification { account, selector } => self.verification(*account, *selector).await,
            Call::MailPasswordReset { account, selector } => self.reset(*account, *selector).await,
            Call::MailPasswordChanged { .. } | Call::MailSessionStolen { .. } => {
                self.mail("sends the notice").await
            }
            Call::PutPasswordInForce { .. } => does("puts the new password in force, unless it is"),
            Call::PutRoleInForce { .. } => does("brings the account's role to where tokens are made"),
            Call::TextPhoneCode { account, selector } => self.phone_code(*account, *selector).await,
            Call::PutPhoneInForce { .. } => does("brings the number to the profile, unless it is there"),
            Call::MailOrderConfirmation { .. } => self.mail("sends the confirmation").await,
        }
    }

    async fn open_checkout(&self, payment: PaymentId) -> Result<Prospect, ProspectError> {
        match self.commands.state::<Payment>(&payment.to_string()).await? {
            Payment::Open { checkout: None, .. } => does("asks the provider for a page"),
            Payment::Open { .. } => nothing("the page is open"),
            Payment::Closed { .. } => nothing("the payment is over and its order free for another one"),
            Payment::Unknown => nothing("there is no such payment"),
            Payment::Captured { .. } | Payment::RefundRequested { .. } | Payment::Refunded { .. } => {
                nothing("the payment is captured")
            }
        }
    }

    async fn verify_payment(&self, payment: PaymentId) -> Result<Prospect, ProspectError> {
        match self.commands.state::<Payment>(&payment.to_string()).await? {
            Payment::Captured { .. } | Payment::RefundRequested { .. } | Payment::Refunded { .. } => {
                nothing("the payment is settled")
            }
            Payment::Open { checkout: None, .. } | Payment::Closed { checkout: None, .. } => {
                nothing("no page was opened, so nothing can have been paid")
            }
            Payment::Unknown | Payment::Open { .. } | Payment::Closed { .. } => {
                does("asks the provider what became of the payment")
            }
        }
    }

    async fn cancel_payment(&self, payment: PaymentId) -> Result<Prospect, ProspectError> {
        match self.commands.state::<Payment>(&payment.to_string()).await? {
            Payment::RefundRequested { .. } => {
                does("asks the provider's report, and cancels the payment unless it is canceled")
            }
            Payment::Refunded { .. } => nothing("the money has gone back"),
            Payment::Unknown | Payment::Open { .. } | Payment::Closed { .. } | Payment::Captured { .. } => {
                nothing("no money is to go back")
            }
        }
    }

    async fn issue_invoice(&self, order: OrderId) -> Result<Prospect, ProspectError> {
        match self.commands.state::<Order>(&order.to_string()).await? {
            Order::Paid { invoice: Some(invoice), .. } => {
                Ok(Prospect::NothingToDo(format!("invoice {} is issued", invoice.number)))
            }
            Order::Paid { .. } => does("issues the next number"),
            Order::Unknown | Order::AwaitingPayment { .. } | Order::Closed { .. } => {
                nothing("the order is not paid")
            }
        }
    }

    async fn picture(&self, job: AiJobId, index: u8) -> Result<Prospect, ProspectError> {
        let AiJob::Running { pictures, .. } = self.commands.state::<AiJob>(&job.to_string()).await? else {
            return nothing("the job is over; what did not come was given back as credits");
        };
        match pictures.get(&index) {
            Some(Picture::Delivered { .. }) => nothing("the picture is delivered"),
            Some(Picture::Failed { .. }) => {
                nothing("the picture has failed for the customer, whose credits come back")
            }
            Some(Picture::Begun { .. }) => Ok(Prospect::Unclear(
                "a call to the provider has no known end and may have been charged".into(),
            )),
            None | Some(Picture::Deferred { .. }) => does("asks the provider for the picture"),
        }
    }

    async fn verification(&self, account: AccountId, selector: Uuid) -> Result<Prospect, ProspectError> {
        let now = self.commands.clock().now();
        let state = self.commands.state::<Account>(&account.to_string()).await?;
        let Some(person) = state.registered() else { return self.mail("sends the link").await };
        match &person.email {
            Proof::Proven { .. } => nothing("the address is proven"),
            Proof::Pending(verification) if verification.selector != selector => {
                nothing("a newer link was asked for")
            }
            Proof::Pending(verification) if verification.expires_at <= now => {
                nothing("the link has run out; the customer can ask for another one")
            }
            Proof::Pending(_) => self.mail("sends the link").await,
        }
    }

    async fn reset(&self, account: AccountId, selector: Uuid) -> Result<Prospect, ProspectError> {
        let now = self.commands.clock().now();
        let state = self.commands.state::<Account>(&account.to_string()).await?;
        let mut resets = state.registered().map(|person| person.resets.iter()).into_iter().flatten();
        match resets.find(|reset| reset.selector == selector) {
            None => nothing("the password was set, or newer links were asked for"),
            Some(reset) if reset.expires_at <= now => {
                nothing("the link has run out; the customer can ask for another one")
            }
            Some(_) => self.mail("sends the link").await,
        }
    }

    async fn phone_code(&self, account: AccountId, selector: Uuid) -> Result<Prospect, ProspectError> {
        let now = self.commands.clock().now();
        let state = self.commands.state::<Account>(&account.to_string()).await?;
        match state.registered().and_then(|person| person.phone.as_ref()) {
            Some(Proof::Proven { selector: proven }) if *proven == selector => {
                nothing("the number is proven")
            }
            Some(Proof::Pending(verification)) if verification.selector == selector => {
                if verification.expires_at <= now {
                    return nothing("the code has run out; the customer can ask for another one");
                }
                if self.is_unclear().await? {
                    return Ok(Prospect::Unclear(
                        "an attempt to send the message has no known end; look for it in the provider's console"
                            .into(),
                    ));
                }
                does("sends the code")
            }
            Some(_) | None => nothing("a newer code was asked for"),
        }
    }

    /// SMTP cannot be asked what it has delivered, so every attempt must have failed for certain.
    async fn mail(&self, words: &str) -> Result<Prospect, ProspectError> {
        if self.is_unclear().await? {
            return Ok(Prospect::Unclear(
                "an attempt to send the mail has no known end; look for its Message-ID in the mail server's log"
                    .into(),
            ));
        }
        does(words)
    }

    /// Whether an attempt may have done it.
    async fn is_unclear(&self) -> Result<bool, sqlx::Error> {
        let replays = dead_letters::replays_of(self.pool, self.letter.id).await?;
        Ok(self.intent.as_ref().is_some_and(Intent::is_unclear) || replays.iter().any(Replay::is_unclear))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the arms of a question that can fail")]
fn does(words: &str) -> Result<Prospect, ProspectError> {
    Ok(Prospect::Does(words.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "the arms of a question that can fail")]
fn nothing(words: &str) -> Result<Prospect, ProspectError> {
    Ok(Prospect::NothingToDo(words.into()))
}
