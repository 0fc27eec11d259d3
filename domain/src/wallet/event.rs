use super::GrantKind;
use crate::AiJobId;
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WalletEvent {
    Granted { reference: String, credits: u32, kind: GrantKind },
    Reserved { job: AiJobId, credits: u32 },
    Captured { job: AiJobId, index: u8, credits: u32 },
    Released { job: AiJobId, credits: u32 },
}

impl DomainEvent for WalletEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Granted { .. } => "granted",
            Self::Reserved { .. } => "reserved",
            Self::Captured { .. } => "captured",
            Self::Released { .. } => "released",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}
