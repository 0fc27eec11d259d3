//! What an account's own few events say of it, so that it is true at once.

use crate::Problem;
use cqrs_es::Aggregate;
use domain::account::{Account, AccountEvent, Proof};
use domain::{AccountId, Event};
use sqlx::PgPool;
use time::OffsetDateTime;

pub(super) struct Standing {
    pub email_verified: bool,
    /// When a designer agreed to it.
    pub revenue_share_accepted_at: Option<OffsetDateTime>,
}

impl Standing {
    pub async fn of(pool: &PgPool, account: AccountId) -> Result<Self, Problem> {
        let stream = journal::read::stream(pool, Account::TYPE, &account.to_string()).await;
        let mut state = Account::default();
        let mut revenue_share_accepted_at = None;
        for envelope in stream.map_err(Problem::internal)? {
            if let Event::Account(event) = envelope.decode().map_err(Problem::internal)? {
                if let AccountEvent::Registered { revenue_share: true, .. } = event {
                    revenue_share_accepted_at = Some(envelope.recorded_at);
                }
                state.apply(event);
            }
        }
        let email_verified =
            state.registered().is_some_and(|person| matches!(person.email, Proof::Proven { .. }));
        Ok(Self { email_verified, revenue_share_accepted_at })
    }
}
