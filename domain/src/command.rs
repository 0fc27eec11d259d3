//! Every command and every refusal under one roof: what the door of the journal takes and answers.

use crate::account::AccountRefusal;
use crate::ai_job::AiJobRefusal;
use crate::draft::DraftRefusal;
use crate::order::OrderRefusal;
use crate::payment::PaymentRefusal;
use crate::wallet::WalletRefusal;
use crate::{
    AccountCommand, AccountId, AiJobCommand, AiJobId, DraftCommand, DraftId, OrderCommand, OrderId,
    PaymentCommand, PaymentId, WalletCommand,
};
use serde::{Deserialize, Serialize};

/// A command and the aggregate that it is for. Timers and dead letters keep it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "aggregate", rename_all = "snake_case")]
pub enum Command {
    Account { id: AccountId, command: AccountCommand },
    Wallet { id: AccountId, command: WalletCommand },
    Draft { id: DraftId, command: DraftCommand },
    AiJob { id: AiJobId, command: AiJobCommand },
    Order { id: OrderId, command: OrderCommand },
    Payment { id: PaymentId, command: PaymentCommand },
}

/// Why a command was not done; the text is for people, the code for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Account(#[from] AccountRefusal),
    #[error(transparent)]
    Wallet(#[from] WalletRefusal),
    #[error(transparent)]
    Draft(#[from] DraftRefusal),
    #[error(transparent)]
    AiJob(#[from] AiJobRefusal),
    #[error(transparent)]
    Order(#[from] OrderRefusal),
    #[error(transparent)]
    Payment(#[from] PaymentRefusal),
}

impl Refusal {
    /// Stable; part of the HTTP contract.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Account(refusal) => refusal.code(),
            Self::Wallet(refusal) => refusal.code(),
            Self::Draft(refusal) => refusal.code(),
            Self::AiJob(refusal) => refusal.code(),
            Self::Order(refusal) => refusal.code(),
            Self::Payment(refusal) => refusal.code(),
        }
    }
}
