//! The executor: turns actions into commands, timers and calls. The only part of the service that acts on the
//! world outside.
//!
//! Before a call there is a durable intent (the event that led here and its inbox row, and for paid calls an
//! event of their own); after it a command records the outcome.

mod account_mail;
mod basket;
mod checkout;
mod invoices;
mod logins;
mod mail;
mod phones;
mod pictures;

use crate::action::{Action, Call};
use crate::integrations::CallError;
use crate::integrations::images::rendition::Renderer;
use crate::integrations::images::stability::Stability;
use crate::integrations::mail::smtp::Mailer;
use crate::integrations::mail::templates::account::Notice;
use crate::integrations::payment::iyzico::Iyzico;
use crate::integrations::sms::twilio::Twilio;
use crate::integrations::storage::{Area, Storage, StorageError};
use bytes::Bytes;
use domain::{AiJobCommand, Command, PaymentCommand, ids};
use journal::tables::password_changes::Decided;
use journal::tables::personal::PersonalError;
use journal::tables::security_events::Source;
use journal::timers::{self, Timer};
use journal::{Clock, CommandError, Commands, Committed, Context, LoadError, Rider};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// Everything an effect may use.
pub struct Effects {
    pub commands: Commands,
    pub pool: PgPool,
    pub clock: Clock,
    pub payments: Iyzico,
    pub images: Stability,
    pub renderer: Renderer,
    pub storage: Storage,
    pub mailer: Mailer,
    /// None where nobody sends text messages.
    pub texts: Option<Twilio>,
    pub settings: Settings,
}

#[derive(Clone)]
pub struct Settings {
    /// Where the payment provider sends the buyer's browser.
    pub callback_url: Url,
    /// Base of the links to our own pages.
    pub public_url: Url,
    /// Base of the links to the shop's pages.
    pub shop_url: Url,
    /// Key of the verification tokens.
    pub secret: Vec<u8>,
    /// Right-hand side of our Message-IDs.
    pub mail_domain: String,
}

/// Where an action comes from: the event, and the action's place in the flow's answer.
#[derive(Debug, Clone)]
pub struct Origin {
    pub flow: &'static str,
    pub position: i64,
    pub index: usize,
    pub recorded_at: OffsetDateTime,
    pub correlation_id: Uuid,
    /// Which try this is, from 1.
    pub attempt: u32,
}

impl Origin {
    /// For the record of what a request began and this step finishes.
    fn source(&self) -> Source<'static> {
        Source { request: self.correlation_id, ..Source::default() }
    }

    /// The same for every repeat of this step, so that a retry finds the first attempt.
    pub fn key(&self, step: &str) -> Uuid {
        ids::derived(&[self.flow, &self.position.to_string(), &self.index.to_string(), step])
    }

    fn context(&self, step: &str) -> Context {
        Context {
            command_id: self.key(step),
            correlation_id: self.correlation_id,
            causation_position: Some(self.position),
            actor: format!("saga:{}", self.flow),
            trace: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the command of this step failed")]
    Command(#[from] CommandError),
    #[error("the store could not be read")]
    Store(#[from] sqlx::Error),
    #[error("a personal record could not be read")]
    Personal(#[from] PersonalError),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("the document could not be made: {0}")]
    Document(String),
    #[error("a file could not be kept")]
    Storage(#[from] StorageError),
}

/// What the runner does with an error. There is no third way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Retry { after: Option<Duration> },
    DeadLetter,
}

impl EffectError {
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Call(CallError::Retry { after, .. }) => Verdict::Retry { after: Some(*after) },
            Self::Command(
                CommandError::Contended { .. }
                | CommandError::Busy
                | CommandError::Read(_)
                | CommandError::Unreadable(LoadError::Store { .. })
                | CommandError::Store(_),
            )
            | Self::Store(_)
            | Self::Personal(_)
            | Self::Storage(StorageError::Store { .. }) => Verdict::Retry { after: None },
            Self::Call(CallError::Rejected { .. } | CallError::Misconfigured { .. })
            | Self::Command(_)
            | Self::Storage(_)
            | Self::Missing(_)
            | Self::Document(_) => Verdict::DeadLetter,
        }
    }
}

impl Effects {
    /// Does one action; the answer is kept in the inbox as evidence.
    pub async fn run(&self, action: &Action, origin: &Origin) -> Result<Value, EffectError> {
        match action {
            Action::Do { command } => {
                let done = self.execute(origin, "do", vec![command.clone()], Rider::default()).await?;
                Ok(json!({ "position": done.position }))
            }
            Action::After { delay, command } => {
                let due = origin.recorded_at + *delay;
                let timer = Timer {
                    id: origin.key("timer"),
                    due_at: due,
                    command: command.clone(),
                    context: origin.context("timer"),
                };
                timers::schedule(&self.pool, &timer, self.clock.now()).await?;
                Ok(json!({ "due_at": due.unix_timestamp() }))
            }
            Action::Call { call } => {
                self.call(call, origin).await.map(|outcome| json!({ "outcome": outcome }))
            }
        }
    }

    async fn call(&self, call: &Call, origin: &Origin) -> Result<&'static str, EffectError> {
        match call {
            Call::OpenCheckout { payment } => self.open_checkout(*payment, origin).await,
            Call::VerifyPayment { payment } => self.verify_payment(*payment, origin).await,
            Call::CancelPayment { payment } => self.cancel_payment(*payment, origin).await,
            Call::IssueInvoice { order } => self.issue_invoice(*order, origin).await,
            Call::FileInvoice { order } => self.file_invoice(*order).await.map(|_| "filed"),
            Call::GeneratePicture { job, index } => self.generate_picture(*job, *index, origin).await,
            Call::MailVerification { account, selector } => {
                self.mail_verification(*account, *selector, origin).await
            }
            Call::MailPasswordReset { account, selector } => {
                self.mail_password_reset(*account, *selector, origin).await
            }
            Call::MailPasswordChanged { account } => {
                self.mail_notice(*account, Notice::PasswordChanged, origin).await
            }
            Call::MailSessionStolen { account } => {
                self.mail_notice(*account, Notice::SessionStolen, origin).await
            }
            &Call::PutPasswordInForce { account, credential, replaces } => {
                self.put_password_in_force(Decided { account, credential, replaces }, origin).await
            }
            Call::PutRoleInForce { account } => self.put_role_in_force(*account).await,
            Call::TextPhoneCode { account, selector } => {
                self.text_phone_code(*account, *selector, origin).await
            }
            Call::PutPhoneInForce { account, selector } => {
                self.put_phone_in_force(*account, *selector, origin).await
            }
            Call::MailOrderConfirmation { order } => self.mail_order_confirmation(*order, origin).await,
        }
    }

    /// The step failed for good: what can still be answered to the customer, so that nothing hangs on us.
    pub async fn give_up(&self, action: &Action, origin: &Origin) -> Result<Option<Value>, EffectError> {
        let command = match action {
            // The page was never shown, so nobody can have paid on it.
            Action::Call { call: Call::OpenCheckout { payment } } => Command::Payment {
                id: *payment,
                command: PaymentCommand::Fail { code: "provider_unavailable".into() },
            },
            Action::Call { call: Call::GeneratePicture { job, index } } => Command::AiJob {
                id: *job,
                command: AiJobCommand::FailPicture { index: *index, reason: "provider_unavailable".into() },
            },
            Action::Do { .. } | Action::After { .. } | Action::Call { .. } => return Ok(None),
        };
        let done = self.execute(origin, "give-up", vec![command], Rider::default()).await?;
        Ok(Some(json!({ "gave_up": true, "position": done.position })))
    }

    /// A file, or nothing when it is not there yet.
    async fn private_file(&self, key: &str) -> Result<Option<Bytes>, StorageError> {
        match self.storage.get(Area::Private, key).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StorageError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn execute(
        &self,
        origin: &Origin,
        step: &str,
        commands: Vec<Command>,
        rider: Rider,
    ) -> Result<Committed, CommandError> {
        self.commands.execute(commands, &origin.context(step), rider).await
    }
}

/// True when the error is this aggregate's refusal with this code: a late repeat, not a fault.
fn refused_with(error: &CommandError, code: &str) -> bool {
    matches!(error, CommandError::Refused(refusal) if refusal.code() == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_database_that_is_away_is_waited_for_and_never_a_dead_letter() {
        let source = Arc::new(sqlx::Error::PoolTimedOut);
        let load = LoadError::Store { aggregate_type: "order", aggregate_id: "1".into(), source };
        for error in [
            EffectError::Command(CommandError::Unreadable(load)),
            EffectError::Command(CommandError::Busy),
            EffectError::Store(sqlx::Error::PoolTimedOut),
        ] {
            assert!(matches!(error.verdict(), Verdict::Retry { .. }), "{error:?}");
        }
        assert_eq!(EffectError::Missing("the invoice").verdict(), Verdict::DeadLetter);
    }
}
