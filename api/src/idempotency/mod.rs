//! A repeat of a request finds the first one: ids are derived from its `Idempotency-Key`, and answers are kept for a day.
//!
//! | module | what it is |
//! |---|---|
//! | here | ids, and the record in the commit of a command: what makes a repeat safe |
//! | [`stored`] | the answers that [`crate::middleware::stored_answers`] keeps: what makes a repeat exact |

pub mod stored;

use crate::Chance;
use crate::extract::IdempotencyKey;
use domain::AccountId;
use domain::ids::derived;
use journal::IdempotencyRecord;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The ids that one request to create something uses; the same at each repeat with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// Of the thing created.
    pub id: Uuid,
    /// Of the command that creates it.
    pub command_id: Uuid,
}

impl IdempotencyKey {
    /// Ids for a create. Keys belong to an account and a route, so nobody meets a stranger's.
    pub fn creation(&self, account: AccountId, route: &str, chance: Chance) -> Creation {
        self.creation_in(&account.to_string(), route, chance)
    }

    /// The same before anybody is logged in: `scope` says whose keys these are.
    pub fn creation_in(&self, scope: &str, route: &str, chance: Chance) -> Creation {
        match &self.0 {
            None => Creation { id: chance.id(), command_id: chance.id() },
            Some(key) => Creation {
                id: derived(&[scope, route, key]),
                command_id: derived(&[scope, route, key, "command"]),
            },
        }
    }

    /// A record for [`journal::Rider::idempotency`]: the same key with another body is then refused, and a repeat
    /// can be given the stored answer.
    pub fn record(
        &self,
        account: AccountId,
        route: &str,
        body: &impl Serialize,
        answer: Value,
    ) -> Result<Option<IdempotencyRecord>, serde_json::Error> {
        let Some(key) = &self.0 else { return Ok(None) };
        Ok(Some(IdempotencyRecord {
            scope: format!("account:{account}"),
            key: format!("{route} {key}"),
            fingerprint: fingerprint(body)?,
            answer,
        }))
    }
}

/// Digest of a request's body, to tell a repeat from another request under the same key.
pub fn fingerprint(body: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(body)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_the_same_ids_and_nobody_else_has() {
        let key = IdempotencyKey(Some("k1".into()));
        let (one, two) = (AccountId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        assert_eq!(key.creation(one, "orders", Chance), key.creation(one, "orders", Chance));
        assert_ne!(key.creation(one, "orders", Chance), key.creation(two, "orders", Chance));
        assert_ne!(key.creation(one, "orders", Chance), key.creation(one, "drafts", Chance));
    }

    #[test]
    fn without_a_key_every_request_is_its_own() {
        let none = IdempotencyKey(None);
        let one = AccountId(Uuid::from_u128(1));
        assert_ne!(none.creation(one, "orders", Chance), none.creation(one, "orders", Chance));
    }
}
