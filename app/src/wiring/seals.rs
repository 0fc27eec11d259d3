//! Follows the journal and recomputes the hash of every event as it arrives.

use crate::snapshot::SEALS as NAME;
use journal::leaf::{self, BadEvent};
use journal::read::{self, ReadError};
use journal::{Wake, checkpoint, owner};
use sqlx::{Connection, PgPool};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PAGE_EVENTS: i64 = 1_000;
const PAGE_BYTES: usize = 4 * 1024 * 1024;
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum SealError {
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the checkpoint cannot be kept")]
    Store(#[from] sqlx::Error),
    #[error("the journal was altered: {0:?}")]
    Altered(BadEvent),
}

impl SealError {
    /// Somebody altered the journal or took something out of it; everything else passes.
    fn is_finding(&self) -> bool {
        matches!(self, Self::Altered(_) | Self::Read(ReadError::Gap { .. }))
    }

    fn report(&self) {
        let error = self as &dyn std::error::Error;
        if self.is_finding() {
            tracing::error!(
                error,
                "the journal does not hold what was appended; `polikrami journal verify` shows where, compare with a backup"
            );
        } else {
            tracing::warn!(error, "the hashes could not be checked; trying again");
        }
    }
}

/// Runs until `stop`. An altered event stops the checkpoint where it is, and says so again and again.
pub(super) async fn run(pool: PgPool, mut wake: Wake, stop: CancellationToken) {
    while let Some(mut owned) = owner::acquire(&pool, NAME, &stop).await {
        match stop.run_until_cancelled(follow(owned.connection(), &mut wake)).await {
            None => return owned.release().await,
            Some(Ok(())) => {}
            Some(Err(error)) => {
                error.report();
                drop(owned);
                stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
            }
        }
    }
}

async fn follow(connection: &mut sqlx::PgConnection, wake: &mut Wake) -> Result<(), SealError> {
    let mut position = checkpoint::load(&mut *connection, NAME).await?;
    loop {
        let events = read::stored_page(&mut *connection, position, PAGE_EVENTS, PAGE_BYTES).await?;
        let Some(last) = events.last() else {
            wake.beyond(position).await;
            continue;
        };
        if let Some(bad) = leaf::verify_page(&events) {
            return Err(SealError::Altered(bad));
        }
        position = last.envelope.position;
        let mut transaction = connection.begin().await?;
        checkpoint::commit_lazily(&mut *transaction).await?;
        checkpoint::save(&mut *transaction, NAME, position).await?;
        transaction.commit().await?;
    }
}
