//! What others may see of a person.

use domain::AccountId;
use sqlx::PgExecutor;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "four switches that do not depend on each other")]
pub struct Privacy {
    pub show_email: bool,
    pub show_phone: bool,
    pub show_address: bool,
    pub show_portfolio: bool,
}

/// Until the person says otherwise.
impl Default for Privacy {
    fn default() -> Self {
        Self { show_email: false, show_phone: false, show_address: false, show_portfolio: true }
    }
}

/// `None` where nothing was ever set.
pub async fn get(executor: impl PgExecutor<'_>, account: AccountId) -> Result<Option<Privacy>, sqlx::Error> {
    sqlx::query_as(
        "SELECT show_email, show_phone, show_address, show_portfolio FROM privacy_settings WHERE account_id = $1",
    )
    .bind(account.0)
    .fetch_optional(executor)
    .await
}

/// Writes the row, whether there was one or not.
pub async fn store(
    executor: impl PgExecutor<'_>,
    account: AccountId,
    privacy: Privacy,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO privacy_settings (account_id, show_email, show_phone, show_address, show_portfolio, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (account_id) DO UPDATE SET show_email = excluded.show_email, show_phone = excluded.show_phone, \
         show_address = excluded.show_address, show_portfolio = excluded.show_portfolio, \
         updated_at = excluded.updated_at",
    )
    .bind(account.0)
    .bind(privacy.show_email)
    .bind(privacy.show_phone)
    .bind(privacy.show_address)
    .bind(privacy.show_portfolio)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}
