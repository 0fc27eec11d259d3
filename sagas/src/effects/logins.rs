//! Puts in force what the journal decided about a login.

use super::{EffectError, Effects, Origin};
use crate::integrations::CallError;
use domain::AccountId;
use journal::roles::{self, RoleError};
use journal::tables::password_changes::{self, Applied, Decided};
use std::time::Duration;

/// The change before this one is a step of the same flow, and done in a moment.
const EARLIER_CHANGE: Duration = Duration::from_secs(1);

impl Effects {
    pub(super) async fn put_password_in_force(
        &self,
        decided: Decided,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        match password_changes::apply(&self.pool, decided, origin.source(), self.clock.now()).await? {
            Applied::Now => Ok("in_force"),
            Applied::Missing => Err(EffectError::Missing("the kept password")),
            Applied::Before => Ok("in_force_before"),
            Applied::TooEarly => {
                Err(CallError::retry(EARLIER_CHANGE, "the password before this one is not in force yet")
                    .into())
            }
        }
    }

    pub(super) async fn put_role_in_force(&self, account: AccountId) -> Result<&'static str, EffectError> {
        match roles::put_in_force(&self.pool, account, self.clock.now()).await {
            Ok(_) => Ok("in_force"),
            Err(RoleError::NoAccount) => Err(EffectError::Missing("the account")),
            Err(RoleError::Database(error)) => Err(error.into()),
            Err(RoleError::Read(error)) => Err(EffectError::Command(error.into())),
            Err(RoleError::Unreadable(error)) => Err(EffectError::Document(error.to_string())),
        }
    }
}
