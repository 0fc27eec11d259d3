//! A call that claims to come from the provider: what it names is looked up, recorded, and otherwise not believed.

use crate::extract::{Client, RequestContext};
use crate::{AppState, Chance, Problem};
use axum::extract::FromRef;
use cqrs_es::Aggregate;
use domain::payment::{CallbackSource, Payment};
use domain::{Command, PaymentCommand, PaymentId};
use journal::read::claim_owner;
use journal::tables::callback_log::{self, Callback, token_digest};
use journal::tables::checkouts::TOKEN_SCOPE;
use journal::{Clock, Commands, Rider};
use sqlx::PgPool;

/// Longest token that is looked up, in bytes.
pub const TOKEN_BYTES_MAX: usize = 512;

/// Takes such calls; every one of them leaves a line in the log.
#[derive(Clone)]
pub struct Reception {
    pool: PgPool,
    commands: Commands,
    clock: Clock,
    chance: Chance,
}

impl FromRef<AppState> for Reception {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            commands: state.commands.clone(),
            clock: state.clock.clone(),
            chance: state.chance,
        }
    }
}

/// One call, and where it came in.
pub struct Call<'a> {
    pub source: CallbackSource,
    pub client: Client,
    pub context: &'a RequestContext,
    pub token: Option<&'a str>,
}

impl Reception {
    /// Records the call with the payment that its token belongs to.
    pub async fn receive(&self, call: Call<'_>) -> Result<PaymentId, Problem> {
        let Some(token) = call.token.filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)
        else {
            self.log(&call, None, "no_token").await?;
            return Err(Problem::field("token", "required"));
        };
        let Some(payment) = self.payment_of(token).await? else {
            self.log(&call, None, "unknown_token").await?;
            return Err(Problem::not_found("unknown_payment_token"));
        };
        let origin = call.context.by_system("payment-callback", self.chance.id());
        let command = PaymentCommand::ReceiveCallback { source: call.source };
        let unit = vec![Command::Payment { id: payment, command }];
        match self.commands.execute(unit, &origin, Rider::default()).await {
            Ok(_) => {
                self.log(&call, Some(payment), "recorded").await?;
                Ok(payment)
            }
            Err(error) => {
                if let Err(log) = self.log(&call, Some(payment), "failed").await {
                    tracing::error!(payment.id = %payment, error = ?log.more.source, "callback not logged");
                }
                Err(error.into())
            }
        }
    }

    /// A call whose signature is wrong.
    pub async fn refuse(&self, call: Call<'_>) -> Result<Problem, Problem> {
        let token = call.token.filter(|token| token.len() <= TOKEN_BYTES_MAX);
        self.log(&Call { token, ..call }, None, "bad_signature").await?;
        Ok(Problem::new(axum::http::StatusCode::UNAUTHORIZED, "invalid_signature"))
    }

    async fn payment_of(&self, token: &str) -> Result<Option<PaymentId>, Problem> {
        let owner =
            claim_owner(&self.pool, TOKEN_SCOPE, &token_digest(token)).await.map_err(Problem::internal)?;
        let owner = owner.filter(|owner| owner.owner_type == Payment::TYPE);
        let id = owner.map(|owner| owner.owner_id.parse::<PaymentId>());
        id.transpose().map_err(Problem::internal)
    }

    async fn log(&self, call: &Call<'_>, payment: Option<PaymentId>, outcome: &str) -> Result<(), Problem> {
        let source = match call.source {
            CallbackSource::Browser => "browser",
            CallbackSource::Webhook => "webhook",
        };
        let line = Callback {
            received_at: self.clock.now(),
            source,
            token: call.token,
            payment: payment.map(|payment| payment.0),
            outcome,
            client_ip: call.client.0,
            request_id: &call.context.request_id.to_string(),
        };
        Ok(callback_log::insert(&self.pool, &line).await?)
    }
}
