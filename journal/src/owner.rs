//! What may run only once in all processes holds an advisory lock, on the very connection that it writes with.
//!
//! So the lock cannot outlive the writes: when the connection breaks, both end. Never through a transaction
//! pooler, where session locks mean nothing.

use crate::connect::open;
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Pause between two tries for a lock that another process holds, or a database that does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// First half of the lock's key, so that names cannot meet other advisory locks.
pub(crate) const LOCK_CLASS: i32 = 0x6f77_6e72;

/// A held lock and its connection. Dropping it closes the connection, and with it the lock.
#[derive(Debug)]
pub struct Owned {
    name: String,
    connection: PgConnection,
}

impl Owned {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection to write with.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives the lock back at once instead of when the server notices.
    pub async fn release(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(owner.name = %self.name, error = &error as &dyn std::error::Error, "closed badly");
        }
    }
}

/// Waits until this process owns `name`; `None` if it was stopped first.
pub async fn acquire(pool: &PgPool, name: &str, stop: &CancellationToken) -> Option<Owned> {
    let mut complained = false;
    loop {
        match stop.run_until_cancelled(try_acquire(pool, name)).await? {
            Ok(Some(owned)) => {
                tracing::info!(owner.name = name, "owned");
                return Some(owned);
            }
            Ok(None) => complained = false,
            Err(error) => {
                if !complained {
                    tracing::warn!(
                        owner.name = name,
                        error = &error as &dyn std::error::Error,
                        "no lock yet"
                    );
                }
                complained = true;
            }
        }
        stop.run_until_cancelled(tokio::time::sleep(RETRY)).await?;
    }
}

/// One try; `None` when another connection holds the lock.
pub async fn try_acquire(pool: &PgPool, name: &str) -> Result<Option<Owned>, sqlx::Error> {
    let mut connection = open(&pool.connect_options()).await?;
    let got: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
        .bind(LOCK_CLASS)
        .bind(name)
        .fetch_one(&mut connection)
        .await?;
    if !got {
        connection.close().await?;
        return Ok(None);
    }
    Ok(Some(Owned { name: name.to_owned(), connection }))
}
