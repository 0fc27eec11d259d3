//! Puts in force what the journal decided about a login.

use super::{EffectError, Effects};
use crate::integrations::CallError;
use domain::AccountId;
use domain::account::Account;
use journal::tables::accounts;
use journal::tables::password_changes::{self, Applied, Decided};
use std::time::Duration;

/// The change before this one is a step of the same flow, and done in a moment.
const EARLIER_CHANGE: Duration = Duration::from_secs(1);

impl Effects {
    pub(super) async fn put_password_in_force(&self, decided: Decided) -> Result<&'static str, EffectError> {
        match password_changes::apply(&self.pool, decided, self.clock.now()).await? {
            Applied::Now => Ok("in_force"),
            Applied::Before => Ok("in_force_before"),
            Applied::TooEarly => {
                Err(CallError::retry(EARLIER_CHANGE, "the password before this one is not in force yet")
                    .into())
            }
        }
    }

    /// The role as it is now, so that late and repeated steps end in the same.
    pub(super) async fn put_role_in_force(&self, account: AccountId) -> Result<&'static str, EffectError> {
        let state = self.commands.state::<Account>(&account.to_string()).await?;
        let Some(person) = state.registered() else { return Err(EffectError::Missing("the account")) };
        accounts::set_role(&self.pool, account, person.role, self.clock.now()).await?;
        Ok("in_force")
    }
}
