//! What belongs to one account is changed by one request at a time.

use crate::Problem;
use domain::AccountId;
use journal::tables::accounts;
use sqlx::{PgPool, Postgres, Transaction};

pub type Tx = Transaction<'static, Postgres>;

/// A transaction that holds the account's row; 404 for an account that is gone.
pub async fn held(pool: &PgPool, account: AccountId) -> Result<Tx, Problem> {
    let mut tx = pool.begin().await?;
    if accounts::lock(&mut *tx, account).await? {
        Ok(tx)
    } else {
        Err(Problem::not_found("account_not_found"))
    }
}
