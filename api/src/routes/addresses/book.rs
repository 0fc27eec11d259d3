//! Changes of an address book, one at a time for each account, so that neither the limit nor the one default can be
//! passed by two requests at once.

use super::body::AddressBody;
use super::view::AddressView;
use crate::Problem;
use crate::extract::IfMatch;
use crate::idempotency::fingerprint;
use crate::routes::held::{Tx, held};
use crate::state::AppState;
use axum::extract::FromRef;
use domain::AccountId;
use journal::Clock;
use journal::tables::addresses::{self, AddressRow, Content};
use sqlx::PgPool;
use uuid::Uuid;

#[derive(Clone)]
pub(super) struct Book {
    pool: PgPool,
    clock: Clock,
    addresses_max: u32,
}

impl FromRef<AppState> for Book {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            clock: state.clock.clone(),
            addresses_max: state.config.limits.addresses_max,
        }
    }
}

impl Book {
    /// Adds; a repeat under the same id answers the row that is there.
    pub async fn add(
        &self,
        account: AccountId,
        id: Uuid,
        content: Content,
        as_default: bool,
    ) -> Result<AddressRow, Problem> {
        let created_from = fingerprint(&(&content, as_default)).map_err(Problem::internal)?;
        let mut tx = held(&self.pool, account).await?;
        if let Some(row) = addresses::get(&mut *tx, account, id).await? {
            let same = row.created_from == created_from;
            return if same { Ok(row) } else { Err(Problem::conflict("idempotency_key_reused")) };
        }
        let count = addresses::count(&mut *tx, account).await?;
        if count >= i64::from(self.addresses_max) {
            return Err(Problem::bad_request("address_limit_reached").with_member("max", self.addresses_max));
        }
        let now = self.clock.now();
        let is_default = as_default || count == 0;
        if is_default {
            addresses::clear_default(&mut *tx, account, now).await?;
        }
        let row = AddressRow {
            id,
            account_id: account.0,
            content,
            is_default,
            created_from,
            created_at: now,
            updated_at: now,
        };
        addresses::insert(&mut *tx, &row).await?;
        self.finish(tx, account, id).await
    }

    pub async fn change(
        &self,
        account: AccountId,
        id: Uuid,
        body: AddressBody,
        if_match: &IfMatch,
    ) -> Result<AddressRow, Problem> {
        let (mut tx, row) = self.opened(account, id, if_match).await?;
        let wanted = body.is_default.unwrap_or(row.is_default);
        let content = body.checked(Some(&row.content))?;
        addresses::update(&mut *tx, id, &content, self.clock.now()).await?;
        match (row.is_default, wanted) {
            (false, true) => self.move_default(&mut tx, account, id).await?,
            (true, false) => self.hand_on_default(&mut tx, account, id).await?,
            (true, true) | (false, false) => {}
        }
        self.finish(tx, account, id).await
    }

    pub async fn make_default(
        &self,
        account: AccountId,
        id: Uuid,
        if_match: &IfMatch,
    ) -> Result<AddressRow, Problem> {
        let (mut tx, row) = self.opened(account, id, if_match).await?;
        if !row.is_default {
            self.move_default(&mut tx, account, id).await?;
        }
        self.finish(tx, account, id).await
    }

    pub async fn remove(&self, account: AccountId, id: Uuid, if_match: &IfMatch) -> Result<(), Problem> {
        let (mut tx, _) = self.opened(account, id, if_match).await?;
        if found(addresses::delete(&mut *tx, account, id).await?)? {
            self.hand_on_default(&mut tx, account, id).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The book, held until the change is done, and the address as its owner has seen it.
    async fn opened(
        &self,
        account: AccountId,
        id: Uuid,
        if_match: &IfMatch,
    ) -> Result<(Tx, AddressRow), Problem> {
        let mut tx = held(&self.pool, account).await?;
        let row = found(addresses::get(&mut *tx, account, id).await?)?;
        if_match.check(&AddressView::from(row.clone()))?;
        Ok((tx, row))
    }

    async fn finish(&self, mut tx: Tx, account: AccountId, id: Uuid) -> Result<AddressRow, Problem> {
        let row = found(addresses::get(&mut *tx, account, id).await?)?;
        tx.commit().await?;
        Ok(row)
    }

    async fn move_default(&self, tx: &mut Tx, account: AccountId, to: Uuid) -> Result<(), Problem> {
        let now = self.clock.now();
        addresses::clear_default(&mut **tx, account, now).await?;
        Ok(addresses::set_default(&mut **tx, to, now).await?)
    }

    /// To the newest other one; the only address stays the default.
    async fn hand_on_default(&self, tx: &mut Tx, account: AccountId, from: Uuid) -> Result<(), Problem> {
        match addresses::newest_but(&mut **tx, account, from).await? {
            Some(next) => self.move_default(tx, account, next).await,
            None => Ok(()),
        }
    }
}

/// What belongs to somebody else is not there.
pub(in crate::routes) fn found<T>(row: Option<T>) -> Result<T, Problem> {
    row.ok_or_else(|| Problem::not_found("address_not_found"))
}
