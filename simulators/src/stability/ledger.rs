//! What the provider charged, and for which picture.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Call;
use crate::store;

/// Everything, as `GET /_control/ledger` answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    /// The balance; absent only before the first start.
    pub credits: Option<f64>,
    /// Pictures that were paid for, oldest first.
    pub charges: Vec<Charge>,
    /// How often each picture was paid for, by `<sha-256 of the prompt>:<seed>`.
    pub charges_by_picture: BTreeMap<String, u32>,
    /// How often each `stability-client-user-id` was charged.
    pub charges_by_user: BTreeMap<String, u32>,
    /// Calls that arrived, whatever became of them.
    pub calls: BTreeMap<Call, u64>,
}

/// A picture that was paid for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Charge {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// `x-request-id` of the answer, whether it arrived or not.
    pub request_id: String,
    /// SHA-256 of the prompt, hex.
    pub prompt_sha256: String,
    /// The seed, chosen by the client or here.
    pub seed: u32,
    /// Header `stability-client-user-id`.
    pub user_id: Option<String>,
    /// Header `stability-client-id`.
    pub client_id: Option<String>,
    /// What it cost.
    pub credits: f64,
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A call arrived.
    Called(Call),
    /// A picture was made.
    Charged(Charge),
    /// The balance was set.
    Credits(f64),
}

impl store::Ledger for Ledger {
    type Change = Change;

    fn apply(&mut self, change: Change) {
        match change {
            Change::Called(call) => *self.calls.entry(call).or_default() += 1,
            Change::Credits(credits) => self.credits = Some(credits),
            Change::Charged(paid) => {
                self.credits = self.credits.map(|credits| credits - paid.credits);
                *self.charges_by_picture.entry(paid.picture()).or_default() += 1;
                if let Some(user) = &paid.user_id {
                    *self.charges_by_user.entry(user.clone()).or_default() += 1;
                }
                self.charges.push(paid);
            }
        }
    }
}

impl Charge {
    /// `<sha-256 of the prompt>:<seed>`
    pub fn picture(&self) -> String {
        format!("{}:{}", self.prompt_sha256, self.seed)
    }
}
