//! Proves that a read model is what its events make it: built again in `scratch`, compared, and thrown away.

use super::{Pace, RebuildError};
use crate::generation::build::build;
use crate::generation::compare::Difference;
use crate::generation::{Generation, open};
use serde::Serialize;
use sqlx::PgPool;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verified {
    /// Where both stood when they were compared.
    pub position: i64,
    /// Rows in either table.
    pub rows: i64,
    pub differing: i64,
    /// The first row that differs, by key.
    pub difference: Option<Difference>,
}

/// Rebuilds the read model up to where the live one stands and compares; nothing live is touched or held up, and
/// the second generation stays as it is.
pub async fn verify(
    pool: &PgPool,
    name: &str,
    progress: impl Fn(i64, i64),
) -> Result<Verified, RebuildError> {
    verify_at(pool, name, Pace::Full, progress).await
}

/// The same, at a pace.
pub async fn verify_at(
    pool: &PgPool,
    name: &str,
    pace: Pace,
    progress: impl Fn(i64, i64),
) -> Result<Verified, RebuildError> {
    let mut generation = open::disposable(pool, name).await?;
    generation.target = journal::checkpoint::load(pool, name).await?;
    let mut generations = vec![generation];
    build(pool, &mut generations, pace, &progress).await?;
    let Some(mut generation) = generations.pop() else { return Err(RebuildError::Unknown(name.to_owned())) };
    let verified = compared(&mut generation).await;
    let drop = format!("DROP TABLE IF EXISTS scratch.{name}");
    sqlx::raw_sql(&drop).execute(generation.owned.connection()).await?;
    generation.owned.release().await;
    verified
}

async fn compared(generation: &mut Generation) -> Result<Verified, RebuildError> {
    if let Some(error) = generation.failed.take() {
        return Err(error);
    }
    let comparison = generation.compare().await?;
    Ok(Verified {
        position: comparison.position,
        rows: comparison.rows,
        differing: comparison.differing,
        difference: comparison.differences.into_iter().next(),
    })
}
