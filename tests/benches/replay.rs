//! R1 to R4: read models built anew, beside what stock `QueryReplay` and plain COPY do with the same events.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::door::Door;
use crate::fill::{self, Drafts};
use crate::journeys;
use crate::load::{self, PACED, PACED_TASKS};
use crate::output::progress;
use crate::stock;
use crate::writes::say;
use futures::TryStreamExt;
use journal::{ConnectOptions, read};
use projections::{Differences, Options, Pace};
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{Executor, PgPool};
use std::cell::Cell;
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// Every event of the drafts' journal folds into it.
pub const LARGEST: &str = "drafts";
const STREAM_EVENTS: u32 = 5;
const CATCH_UP_MAX: Duration = Duration::from_mins(15);
const POLL: Duration = Duration::from_millis(10);

pub async fn run(board: &mut Board, cluster: &Cluster, rounds: u16) -> Outcome<()> {
    let (regime, events) = (cluster.regime, board.options.events);
    progress(format!("{}: filling two journals with {events} events each", regime.name()));
    let drafts_url = cluster.kept_database("drafts_journal").await?;
    let drafts = fill::drafts(&drafts_url, events, STREAM_EVENTS).await?;
    let journeys_url = cluster.kept_database("journeys_journal").await?;
    journeys::fill(&journeys_url, events).await?;
    for round in 1..=rounds {
        progress(format!("{}: replay, round {round} of {rounds}", regime.name()));
        single(board, cluster, &drafts_url, &drafts).await?;
        all(board, cluster, &journeys_url).await?;
        beside_the_door(board, cluster, &drafts_url).await?;
    }
    cluster.postgres.drop_database("drafts_journal").await?;
    Ok(cluster.postgres.drop_database("journeys_journal").await?)
}

/// R1 and R2.
async fn single(board: &mut Board, cluster: &Cluster, url: &str, drafts: &Drafts) -> Outcome<()> {
    let (regime, period) = (cluster.regime, board.options.period());
    let stock = stock::replay_rate(url, &drafts.ids, period).await?;
    cluster.checkpoint().await?;
    let rebuilt = rebuild_rate(url).await?;
    cluster.checkpoint().await?;
    let bound = copy_rate(url).await?;
    progress(format!("  rebuild {rebuilt:.0}/s, stock {stock:.0}/s, COPY {bound:.0}/s"));
    board.of("R1", regime).round(rebuilt, stock);
    board.of("R2", regime).round(rebuilt, bound);
    Ok(())
}

/// Events per second of a rebuild of the largest read model.
pub async fn rebuild_rate(url: &str) -> Outcome<f64> {
    let pool = journal::connect(url, &ConnectOptions::default()).await?;
    let start = Instant::now();
    let position = projections::rebuild(&pool, LARGEST, |_, _| {}).await?;
    let rate = per_second(position, start.elapsed());
    pool.close().await;
    Ok(rate)
}

#[expect(clippy::cast_precision_loss, reason = "positions are far below 2^52")]
pub fn per_second(events: i64, time: Duration) -> f64 {
    events as f64 / time.as_secs_f64()
}

/// K: the log out by COPY, in order, and the finished table in by COPY. Nothing that decodes can be faster.
async fn copy_rate(url: &str) -> Outcome<f64> {
    let pool = PgPool::connect(url).await?;
    let start = Instant::now();
    let mut log = pool.copy_out_raw(EVENTS_OUT).await?;
    while log.try_next().await?.is_some() {}
    drop(log);
    let out = start.elapsed();
    let rows: Vec<_> = pool.copy_out_raw("COPY read.drafts TO STDOUT").await?.try_collect().await?;
    pool.execute("DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE read.drafts INCLUDING ALL)").await?;
    let start = Instant::now();
    let mut sink = pool.copy_in_raw("COPY copied FROM STDIN").await?;
    for chunk in rows {
        sink.send(chunk).await?;
    }
    sink.finish().await?;
    let time = out + start.elapsed();
    let events = read::head(&pool).await?;
    pool.execute("DROP TABLE copied").await?;
    pool.close().await;
    Ok(per_second(events, time))
}

const EVENTS_OUT: &str = "COPY (SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
                          metadata, position, recorded_at FROM events ORDER BY position) TO STDOUT";

/// R3.
async fn all(board: &mut Board, cluster: &Cluster, url: &str) -> Outcome<()> {
    let pool = journal::connect(url, &ConnectOptions::default()).await?;
    let start = Instant::now();
    for outcome in projections::rebuild_all(&pool, |_, _| {}).await? {
        outcome.result?;
    }
    let together = start.elapsed();
    cluster.checkpoint().await?;
    let mut singly = Duration::ZERO;
    for model in projections::ALL {
        let start = Instant::now();
        projections::rebuild(&pool, model.name, |_, _| {}).await?;
        singly += start.elapsed();
    }
    pool.close().await;
    progress(format!(
        "  all together {:.1} s, one by one {:.1} s",
        together.as_secs_f64(),
        singly.as_secs_f64()
    ));
    board.of("R3", cluster.regime).round(together.as_secs_f64(), singly.as_secs_f64());
    Ok(())
}

/// Waits until every read model shows the journal's head.
pub async fn caught_up(pool: &PgPool) -> Outcome<()> {
    let begun = Instant::now();
    loop {
        let statuses = projections::status(pool).await?;
        let live = |status: &projections::Status| matches!(status.state, projections::State::Live);
        if statuses.iter().all(|status| status.lag_events == 0 && live(status)) {
            return Ok(());
        }
        if begun.elapsed() > CATCH_UP_MAX {
            return Err(format!("the read models do not catch up: {statuses:?}").into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// R4: what customers notice of a rebuild.
async fn beside_the_door(board: &mut Board, cluster: &Cluster, url: &str) -> Outcome<()> {
    let (regime, period) = (cluster.regime, board.options.period());
    let door = Door::open(url).await?.with_projections();
    caught_up(&door.pool).await?;
    cluster.checkpoint().await?;
    let quiet = load::warm(&door, PACED_TASKS, PACED, period).await?;
    let (rebuilt, start) = (Cell::new(0), Instant::now());
    let beside = tokio::select! {
        load = load::warm(&door, PACED_TASKS, PACED, period) => load?,
        error = rebuild_for_ever(&door.pool, &rebuilt) => return error.map(|never| match never {}),
    };
    let rate = per_second(rebuilt.get(), start.elapsed());
    // The next one shall not go on from where this was cut short.
    projections::discard(&door.pool, LARGEST).await?;
    door.close().await;
    say("paced door", &quiet);
    say("paced door beside a rebuild", &beside);
    let measure = board.of("R4", regime);
    measure.round(beside.quantile_us(0.99), quiet.quantile_us(0.99));
    measure.latency(&beside);
    measure.note(format!("rebuilt {rate:.0} events/s meanwhile"));
    board.curve("paced", regime, &quiet);
    board.curve("paced, beside a rebuild", regime, &beside);
    Ok(())
}

/// Again and again, so that there is no moment without; adds up the events.
async fn rebuild_for_ever(pool: &PgPool, events: &Cell<i64>) -> Outcome<Infallible> {
    let options = Options { pace: Pace::Considerate, differences: Differences::Unseen, ..Options::default() };
    loop {
        // One that is resumed begins where it stood.
        let reached = Cell::new(None);
        let progress = |position, _| {
            let before = reached.replace(Some(position)).unwrap_or(position);
            events.set(events.get() + position - before);
        };
        for outcome in projections::rebuild_with(pool, &[LARGEST], &options, progress).await? {
            outcome.result?;
        }
    }
}
