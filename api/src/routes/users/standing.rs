//! What an account's own few events say of it, so that it is true at once.

use crate::Problem;
use cqrs_es::Aggregate;
use domain::account::{Account, AccountEvent};
use domain::{AccountId, Event};
use sqlx::PgExecutor;
use time::OffsetDateTime;

pub(super) struct Standing {
    pub email_verified: bool,
    /// When a designer agreed to it.
    pub revenue_share_accepted_at: Option<OffsetDateTime>,
}

impl Standing {
    pub async fn of(executor: impl PgExecutor<'_>, account: AccountId) -> Result<Self, Problem> {
        // Those two come once each, however much else happens to an account.
        let types = ["registered", "email_verified"];
        let events =
            journal::read::stream_of_types(executor, Account::TYPE, &account.to_string(), &types).await;
        let mut standing = Self { email_verified: false, revenue_share_accepted_at: None };
        for envelope in events.map_err(Problem::internal)? {
            match envelope.decode().map_err(Problem::internal)? {
                Event::Account(AccountEvent::Registered { revenue_share: true, .. }) => {
                    standing.revenue_share_accepted_at = Some(envelope.recorded_at);
                }
                Event::Account(AccountEvent::EmailVerified { .. }) => standing.email_verified = true,
                _ => {}
            }
        }
        Ok(standing)
    }
}
