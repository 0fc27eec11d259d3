//! D1 to D8: the door beside `pgbench`, at rising numbers of clients.

use crate::Outcome;
use crate::board::Board;
use crate::cluster::Cluster;
use crate::door::{Customer, Door};
use crate::fill::{self, Drafts};
use crate::load::{self, Load, Pace};
use crate::options::Regime;
use crate::output::progress;
use crate::pgbench::{self, Baseline};
use journal::StateCache;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Cold drafts for each second; no door of today gets through more of them.
const COLD_PER_SECOND: i64 = 12_000;
const COLD_EVENTS: u32 = 5;
/// Room for all drafts of a measurement, so that none of them turns cold.
pub const ALL_KEPT: StateCache = StateCache { bytes: 512 * 1024 * 1024 };
const CROWD: usize = 32;
const FEW: usize = 8;
/// A stream that many write into has no end.
const ENDLESS: u32 = u32::MAX;

pub async fn run(board: &mut Board, cluster: &Cluster, rounds: u16) -> Outcome<()> {
    for round in 1..=rounds {
        progress(format!("{}: door, round {round} of {rounds}", cluster.regime.name()));
        one_round(board, cluster).await?;
    }
    Ok(())
}

async fn one_round(board: &mut Board, cluster: &Cluster) -> Outcome<()> {
    let (regime, period) = (cluster.regime, board.options.period());
    let alone = baseline(cluster, 1, period).await?;
    let load = warm(cluster, 1, period).await?;
    chalk(board, ("D3", regime), &load, &alone);
    board.curve("door at 1", regime, &load);

    let few = baseline(cluster, 8, period).await?;
    let load = warm(cluster, FEW, period).await?;
    chalk(board, ("D4", regime), &load, &few);
    board.curve("door at 8", regime, &load);

    let crowd = baseline(cluster, 32, period).await?;
    let load = warm(cluster, CROWD, period).await?;
    chalk(board, (crowd_figure(regime), regime), &load, &crowd);
    board.of("D6", regime).round(load.quantile_us(0.99), crowd.mean_us);
    board.of("D6", regime).latency(&load);
    board.curve("door at 32", regime, &load);

    let many = warm(cluster, 256, period).await?;
    chalk(board, ("D5", regime), &many, &crowd);
    board.curve("door at 256", regime, &many);

    cold(board, cluster, period).await?;
    contended(board, cluster, period).await
}

/// What is asked of 32 clients depends on what a flush costs.
pub fn crowd_figure(regime: Regime) -> &'static str {
    match regime {
        Regime::Disk => "D1",
        Regime::Slow => "D2",
    }
}

fn chalk(board: &mut Board, (id, regime): (&str, Regime), load: &Load, baseline: &Baseline) {
    board.of(id, regime).round(load.rate(), baseline.rate);
    board.of(id, regime).latency(load);
}

async fn baseline(cluster: &Cluster, clients: u32, period: Duration) -> Outcome<Baseline> {
    let seen = pgbench::run(&cluster.programs, &cluster.database().await?, clients, period).await?;
    progress(format!("  pgbench at {clients}: {:.0}/s, mean {:.0} µs", seen.rate, seen.mean_us));
    Ok(seen)
}

/// On a fresh database.
pub async fn warm(cluster: &Cluster, tasks: usize, period: Duration) -> Outcome<Load> {
    let door = Door::open_with(&cluster.database().await?, ALL_KEPT).await?;
    let load = load::warm(&door, tasks, Pace::Closed, period).await?;
    door.close().await;
    say(&format!("door at {tasks}"), &load);
    Ok(load)
}

pub fn say(name: &str, load: &Load) {
    let (p50, p99) = (load.quantile_us(0.5), load.quantile_us(0.99));
    progress(format!("  {name}: {:.0}/s, p50 {p50:.0} µs, p99 {p99:.0} µs", load.rate()));
}

/// D7: twice over the same drafts, of five events each: first this process has never seen them, then it has. Beside the
/// states that it keeps nothing differs, neither the journal's size nor the pages that are written to.
async fn cold(board: &mut Board, cluster: &Cluster, period: Duration) -> Outcome<()> {
    let url = cluster.database().await?;
    let seconds = i64::try_from(period.as_secs().max(1))?;
    let drafts = fill::drafts(&url, seconds * COLD_PER_SECOND * i64::from(COLD_EVENTS), COLD_EVENTS).await?;
    let (door, drafts) = (Door::open_with(&url, ALL_KEPT).await?, Arc::new(drafts));
    cluster.checkpoint().await?;
    let cold = once_each(&door, &drafts, drafts.ids.len(), period).await?;
    say("cold door at 32", &cold);
    cluster.checkpoint().await?;
    let warm = once_each(&door, &drafts, cold.micros.len(), period).await?;
    say("warm door at 32, same drafts", &warm);
    door.close().await;
    let measure = board.of("D7", cluster.regime);
    measure.round(cold.rate(), warm.rate());
    measure.latency(&cold);
    board.curve("cold door at 32", cluster.regime, &cold);
    Ok(())
}

/// One command for each of the first drafts, in their order.
async fn once_each(door: &Door, drafts: &Arc<Drafts>, first: usize, period: Duration) -> Outcome<Load> {
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..CROWD {
        let (drafts, next, commands) = (Arc::clone(drafts), Arc::clone(&next), door.commands.clone());
        tasks.spawn(async move {
            let mut own = Vec::new();
            while start.elapsed() < period
                && let Some(draft) = drafts.ids.iter().take(first).nth(next.fetch_add(1, Ordering::Relaxed))
            {
                let begin = Instant::now();
                Customer::take_over(&commands, drafts.owner, *draft, COLD_EVENTS).choose().await?;
                own.push((load::micros(begin.elapsed()), load::millis(start.elapsed())));
            }
            Ok(own)
        });
    }
    let load = load::collect(tasks, period).await?;
    Ok(Load { seconds: start.elapsed().as_secs_f64(), ..load })
}

/// D8: eight tasks on one draft, and on a draft each.
async fn contended(board: &mut Board, cluster: &Cluster, period: Duration) -> Outcome<()> {
    let eight = shared(cluster, FEW, period).await?;
    let one = shared(cluster, 1, period).await?;
    let measure = board.of("D8", cluster.regime);
    measure.round(one.load.rate(), eight.load.rate());
    measure.latency(&one.load);
    if one.lost_races > 0 {
        measure.violate(format!("{} lost races in one process", one.lost_races));
    }
    board.curve("8 on one aggregate", cluster.regime, &one.load);
    Ok(())
}

struct Shared {
    load: Load,
    lost_races: u64,
}

/// Eight tasks on `streams` drafts.
async fn shared(cluster: &Cluster, streams: usize, period: Duration) -> Outcome<Shared> {
    let url = cluster.database().await?;
    let drafts = fill::drafts(&url, i64::try_from(streams)?, 1).await?;
    let door = Door::open(&url).await?;
    let work = |draft: &domain::DraftId| Customer::take_over(&door.commands, drafts.owner, *draft, 1);
    let customers = drafts.ids.iter().cycle().take(FEW).map(work).collect();
    let load = load::run(customers, ENDLESS, Pace::Closed, period, |_, _| {}).await?;
    let lost_races = door.commands.writer().stats().conflicts;
    door.close().await;
    say(&format!("8 on {streams}"), &load);
    Ok(Shared { load, lost_races })
}
