//! One row as the journal has it this moment: the answer to a command need not wait for the read model.

use crate::model::{Place, Projection};
use domain::DecodeError;
use journal::Seen;
use journal::read::{self, ReadError};
use sqlx::PgExecutor;

/// Why a stream has no row.
#[derive(Debug, thiserror::Error)]
pub enum CurrentError {
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("an event cannot be read")]
    Decode(#[from] DecodeError),
}

/// Folds one aggregate's events. Right for read models whose rows follow from one stream each.
pub async fn current<P: Projection>(
    executor: impl PgExecutor<'_>,
    aggregate_type: &'static str,
    aggregate_id: &str,
) -> Result<Option<P::Row>, CurrentError> {
    let (row, _) = current_seen::<P>(executor, aggregate_type, aggregate_id).await?;
    Ok(row)
}

/// The same, and how much of the stream it shows: for a commit that holds only while there is no more.
pub async fn current_seen<P: Projection>(
    executor: impl PgExecutor<'_>,
    aggregate_type: &'static str,
    aggregate_id: &str,
) -> Result<(Option<P::Row>, Seen), CurrentError> {
    let mut row = None;
    let mut seen = Seen { aggregate_type, aggregate_id: aggregate_id.to_owned(), sequence: 0 };
    for envelope in read::stream(executor, aggregate_type, aggregate_id).await? {
        let (event, place) = (envelope.decode()?, Place::of(&envelope));
        seen.sequence = envelope.sequence;
        if P::key(&place, &event).is_some() {
            row = P::fold(row, &place, &event);
        }
    }
    Ok((row, seen))
}
