//! Read models built anew beside the live ones, compared, and put in their place; and the way back.
//!
//! | file | what it is |
//! |---|---|
//! | `options.rs` | how fast, and what happens when rows differ |
//! | `steps.rs` | build, compare, build on, switch: one or all read models from one reading of the journal |
//! | `verify.rs` | a read model proven against its events, in a table that is thrown away |

mod options;
mod steps;
mod verify;

pub use options::{Differences, Options, Pace};
pub use steps::{Outcome, Rebuilt, rebuild_with};
pub use verify::{Verified, verify, verify_at};

use crate::generation::compare::Comparison;
use crate::generation::record::Stage;
use crate::generation::{Generation, open};
use crate::status::{self, State};
use journal::read::ReadError;
use sqlx::PgPool;

/// Why a read model could not be built, compared or switched.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("there is no read model {0:?}")]
    Unknown(String),
    #[error("somebody else builds, compares or switches {0}")]
    Busy(&'static str),
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("{name} cannot apply the event at position {position}")]
    Event {
        name: &'static str,
        position: i64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{} of {} rows of {name} are not those that are live", .comparison.differing, .comparison.rows)]
    Differs { name: &'static str, comparison: Box<Comparison> },
    #[error("{name} has no second generation that is {}", texts(.wanted))]
    NoGeneration { name: &'static str, wanted: Vec<Stage> },
    #[error(
        "{name}'s other generation was written by version {version} of its fold, this release has {ours}"
    )]
    OtherFold { name: &'static str, version: i32, ours: i32 },
    #[error("the table of {0}'s other generation has other columns or indexes than the live one: rebuild it")]
    OtherShape(&'static str),
    #[error(
        "{name}'s other generation is at {position}, the live one only at {live}: they cannot be compared"
    )]
    Ahead { name: &'static str, position: i64, live: i64 },
    #[error("the second generation of {0} was taken away meanwhile: rebuild it")]
    Taken(&'static str),
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
}

fn texts(stages: &[Stage]) -> String {
    let texts: Vec<&str> = stages.iter().map(|stage| stage.text()).collect();
    texts.join(" or ")
}

/// Builds the read model from the first event to the head and puts it in place, as fast as it goes and without a
/// comparison; `progress` gets (position, head). The live one goes on meanwhile, and is kept.
///
/// Answers the position of the new rows.
pub async fn rebuild(pool: &PgPool, name: &str, progress: impl Fn(i64, i64)) -> Result<i64, RebuildError> {
    let mut generations = vec![open::resume_or_begin(pool, name, false).await?];
    let mut outcomes = steps::take(pool, &mut generations, &Options::at_once(), &progress).await?;
    steps::release(generations).await;
    match outcomes.pop() {
        Some(outcome) => Ok(outcome.result?.position),
        None => Err(RebuildError::Unknown(name.to_owned())),
    }
}

/// [`rebuild`] for all read models, from one reading and decoding of the journal.
pub async fn rebuild_all(pool: &PgPool, progress: impl Fn(i64, i64)) -> Result<Vec<Outcome>, RebuildError> {
    let names: Vec<&str> = crate::ALL.iter().map(|model| model.name).collect();
    rebuild_with(pool, &names, &Options::at_once(), progress).await
}

/// Rebuilds what another version of the folds wrote; for the start of a new release.
///
/// Where the generation that is kept was written by this release's fold (the release before was installed again), it
/// only catches up.
pub async fn rebuild_outdated(
    pool: &PgPool,
    progress: impl Fn(&'static str, i64, i64),
) -> Result<(), RebuildError> {
    for status in status::status(pool).await? {
        if matches!(status.state, State::Outdated { .. }) {
            let progress = |position, head| progress(status.name, position, head);
            let mut generations = vec![open::resume_or_begin(pool, status.name, true).await?];
            let outcomes = steps::take(pool, &mut generations, &Options::at_once(), &progress).await?;
            steps::release(generations).await;
            for outcome in outcomes {
                outcome.result?;
            }
        }
    }
    Ok(())
}

/// Compares the second generation with the live one.
pub async fn compare(
    pool: &PgPool,
    name: &str,
    progress: impl Fn(i64, i64),
) -> Result<Comparison, RebuildError> {
    let (mut generation, _) = open::existing(pool, name, &[Stage::Built, Stage::Kept]).await?;
    generation = steps::caught_up(pool, generation, &progress).await?;
    let comparison = generation.compare().await?;
    generation.owned.release().await;
    Ok(comparison)
}

/// Puts a generation that was built in place. Rows that differ although the same version of the fold wrote both are
/// a reason to refuse, unless they are accepted.
pub async fn switch(
    pool: &PgPool,
    name: &str,
    differences: Differences,
    progress: impl Fn(i64, i64),
) -> Result<i64, RebuildError> {
    let (generation, _) = open::existing(pool, name, &[Stage::Built]).await?;
    let mut generation = steps::caught_up(pool, generation, &progress).await?;
    if differences != Differences::Unseen {
        steps::comparison(pool, &mut generation, differences).await?;
    }
    finish(generation).await
}

/// Puts the generation that the last switch has put aside back in place, after it has caught up; the other one is
/// kept in turn.
pub async fn switch_back(
    pool: &PgPool,
    name: &str,
    progress: impl Fn(i64, i64),
) -> Result<i64, RebuildError> {
    let (generation, _) = open::existing(pool, name, &[Stage::Kept]).await?;
    finish(steps::caught_up(pool, generation, &progress).await?).await
}

async fn finish(mut generation: Generation) -> Result<i64, RebuildError> {
    let position = generation.switch().await?;
    generation.owned.release().await;
    Ok(position)
}

/// Drops the second generation; answers whether there was one.
pub async fn discard(pool: &PgPool, name: &str) -> Result<bool, RebuildError> {
    open::discard(pool, name).await
}
