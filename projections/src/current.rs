//! One row as the journal has it this moment: the answer to a command need not wait for the read model.

use crate::model::{Place, Projection};
use domain::DecodeError;
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
    aggregate_type: &str,
    aggregate_id: &str,
) -> Result<Option<P::Row>, CurrentError> {
    let mut row = None;
    for envelope in read::stream(executor, aggregate_type, aggregate_id).await? {
        let (event, place) = (envelope.decode()?, Place::of(&envelope));
        if P::key(&place, &event).is_some() {
            row = P::fold(row, &place, &event);
        }
    }
    Ok(row)
}
