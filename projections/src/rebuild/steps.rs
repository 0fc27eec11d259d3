//! Build, compare, build on, switch: one or all read models from one reading of the journal.

use super::{Differences, Options, Pace, RebuildError};
use crate::generation::build::build;
use crate::generation::compare::Comparison;
use crate::generation::record::{self, Stage};
use crate::generation::{Generation, open};
use crate::page::PAGE_EVENTS;
use crate::status::{self, State, Status};
use sqlx::PgPool;

/// A live read model moves on while one catches up; each round is much shorter than the last.
const ROUNDS_MAX: u32 = 20;
/// Where it is not, customers write faster than a considerate build reads: from then on it goes at full speed.
const CONSIDERATE_ROUNDS: u32 = 4;

/// What became of a rebuild.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuilt {
    /// Of the new rows.
    pub position: i64,
    /// With what was live; absent when nobody looked.
    pub comparison: Option<Comparison>,
    pub switched: bool,
}

/// What became of the rebuild of one read model; the others do not depend on it.
#[derive(Debug)]
pub struct Outcome {
    pub name: &'static str,
    pub result: Result<Rebuilt, RebuildError>,
}

/// Rebuilds the named read models; `progress` gets (position, target) of the foremost page.
pub async fn rebuild_with(
    pool: &PgPool,
    names: &[&str],
    options: &Options,
    progress: impl Fn(i64, i64),
) -> Result<Vec<Outcome>, RebuildError> {
    let mut generations = Vec::with_capacity(names.len());
    for name in names {
        generations.push(open::resume_or_begin(pool, name, false).await?);
    }
    let outcomes = take(pool, &mut generations, options, &progress).await?;
    release(generations).await;
    Ok(outcomes)
}

pub(super) async fn release(generations: Vec<Generation>) {
    for generation in generations {
        generation.owned.release().await;
    }
}

/// All steps; an error is what stops all of them.
pub(super) async fn take(
    pool: &PgPool,
    generations: &mut [Generation],
    options: &Options,
    progress: &impl Fn(i64, i64),
) -> Result<Vec<Outcome>, RebuildError> {
    let mut comparisons = Vec::new();
    if options.differences != Differences::Unseen {
        follow(pool, generations, options.pace, progress).await?;
        for generation in generations.iter_mut() {
            comparisons.push(compared(pool, generation, options.differences).await);
        }
    }
    to_the_head(pool, generations).await?;
    build(pool, generations, options.pace, progress).await?;
    let mut outcomes = Vec::with_capacity(generations.len());
    let mut comparisons = comparisons.into_iter();
    for generation in generations {
        let comparison = comparisons.next().flatten();
        let result = finish(generation, comparison, options.switch).await;
        outcomes.push(Outcome { name: generation.name(), result });
    }
    Ok(outcomes)
}

/// To where the live ones stand. They go on meanwhile, so it goes round until the rest is small.
async fn follow(
    pool: &PgPool,
    generations: &mut [Generation],
    pace: Pace,
    progress: &impl Fn(i64, i64),
) -> Result<(), RebuildError> {
    for round in 0..ROUNDS_MAX {
        let pace = if round < CONSIDERATE_ROUNDS { pace } else { Pace::Full };
        to_the_live_ones(pool, generations).await?;
        if generations.iter().all(|it| it.failed.is_some() || it.target - it.position <= PAGE_EVENTS) {
            break;
        }
        build(pool, generations, pace, progress).await?;
    }
    Ok(())
}

/// An existing generation, brought to where the live one stands.
pub(super) async fn caught_up(
    pool: &PgPool,
    generation: Generation,
    progress: &impl Fn(i64, i64),
) -> Result<Generation, RebuildError> {
    let mut one = [generation];
    follow(pool, &mut one, Pace::Considerate, progress).await?;
    let [mut generation] = one;
    match generation.failed.take() {
        Some(error) => Err(error),
        None => Ok(generation),
    }
}

fn status_of<'s>(all: &'s [Status], generation: &Generation) -> Option<&'s Status> {
    all.iter().find(|status| status.name == generation.name())
}

/// Targets for the comparison: where the live ones stand. One that is beyond that was compared before it went on;
/// if it was not, it begins anew.
async fn to_the_live_ones(pool: &PgPool, generations: &mut [Generation]) -> Result<(), RebuildError> {
    let all = status::status(pool).await?;
    for generation in generations {
        let Some(status) = status_of(&all, generation) else { continue };
        let ahead = generation.position > status.position;
        let compared = status.second.as_ref().and_then(|second| second.compared_position);
        if ahead && compared.is_none() {
            open::begin(generation.owned.connection(), generation.table.model).await?;
            generation.position = 0;
        }
        generation.target = generation.position.max(status.position);
    }
    Ok(())
}

/// Puts refused differences down as the generation's failure.
async fn compared(
    pool: &PgPool,
    generation: &mut Generation,
    differences: Differences,
) -> Option<Comparison> {
    if generation.failed.is_some() {
        return None;
    }
    match comparison(pool, generation, differences).await {
        Ok(comparison) => Some(comparison),
        Err(error) => {
            generation.failed = Some(error);
            None
        }
    }
}

/// How it compares with the live one; differences that are refused are an error.
pub(super) async fn comparison(
    pool: &PgPool,
    generation: &mut Generation,
    differences: Differences,
) -> Result<Comparison, RebuildError> {
    let name = generation.name();
    let analyze = format!("ANALYZE shadow.{name}");
    sqlx::raw_sql(&analyze).execute(generation.owned.connection()).await?;
    let live = journal::checkpoint::load(pool, name).await?;
    let earlier = record::find(pool, name).await?.and_then(|it| it.compared_position.zip(it.differing));
    let comparison = match earlier {
        Some((position, differing)) if generation.position > live => {
            Comparison { position, rows: differing, differing, differences: Vec::new() }
        }
        _ => generation.compare().await?,
    };
    let refuse = differences == Differences::Refuse && same_fold_is_live(pool, generation).await?;
    if comparison.differing > 0 && refuse {
        record::set_stage(generation.owned.connection(), name, Stage::Built).await?;
        return Err(RebuildError::Differs { name, comparison: Box::new(comparison) });
    }
    Ok(comparison)
}

/// Whether the live rows were written by the fold of this release: then a rebuild must make the same rows.
async fn same_fold_is_live(pool: &PgPool, generation: &Generation) -> Result<bool, sqlx::Error> {
    let all = status::status(pool).await?;
    let state = status_of(&all, generation).map(|status| &status.state);
    Ok(!matches!(state, Some(State::Outdated { .. } | State::New)))
}

/// Targets for the switch. A live one that is a page behind at most goes on by itself, and the switch catches up
/// what is missing; for any other it would be too much to do under a lock.
async fn to_the_head(pool: &PgPool, generations: &mut [Generation]) -> Result<(), RebuildError> {
    let all = status::status(pool).await?;
    for generation in generations {
        let Some(status) = status_of(&all, generation) else { continue };
        let near = status.head - generation.position <= PAGE_EVENTS;
        let follows = status.state == State::Live && near && generation.position > 0;
        generation.target = if follows { generation.position } else { status.head };
    }
    Ok(())
}

async fn finish(
    generation: &mut Generation,
    comparison: Option<Comparison>,
    switch: bool,
) -> Result<Rebuilt, RebuildError> {
    if let Some(error) = generation.failed.take() {
        return Err(error);
    }
    let name = generation.name();
    record::set_stage(generation.owned.connection(), name, Stage::Built).await?;
    if !switch {
        return Ok(Rebuilt { position: generation.position, comparison, switched: false });
    }
    if comparison.is_none() {
        // Without statistics the first queries on the new table would be planned blindly.
        let analyze = format!("ANALYZE shadow.{name}");
        sqlx::raw_sql(&analyze).execute(generation.owned.connection()).await?;
    }
    let position = generation.switch().await?;
    tracing::info!(projection.name = name, position, "rebuilt");
    Ok(Rebuilt { position, comparison, switched: true })
}
