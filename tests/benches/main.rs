//! Figures, each beside its baseline in the same run: see `./test bench --help`.
//!
//! | file | what it is |
//! |---|---|
//! | `figures.rs` | every figure: words, target, stretch |
//! | `options.rs`, `machine.rs` | the command line; where figures come from |
//! | `cluster.rs`, `slow_flush.c`, `queue.rs`, `processes.rs` | the two regimes; a private NATS; the real binary |
//! | `pgbench.rs`, `stock.rs` | the baselines of writing and of replaying |
//! | `fill.rs`, `journeys.rs` | journals that are there before the clock starts |
//! | `door.rs`, `load.rs` | the real way of a command; clients and their latencies |
//! | `writes.rs`, `counts.rs`, `survival.rs` | D1 to D8; D9; S1 and S2 |
//! | `visible.rs`, `replay.rs`, `relaying.rs`, `memory.rs` | V, R, N, M |
//! | `growth.rs` | all of that at growing sizes |
//! | `board.rs`, `verdict.rs`, `output.rs` | what was seen, what follows from it, where it goes |
//! | `report.rs`, `plot.rs` | the page with pictures |

mod board;
mod cluster;
mod counts;
mod door;
mod figures;
mod fill;
mod growth;
mod journeys;
mod load;
mod machine;
mod memory;
mod options;
mod output;
mod pgbench;
mod plot;
mod processes;
mod queue;
mod relaying;
mod replay;
mod report;
mod stock;
mod survival;
mod verdict;
mod visible;
mod writes;

use app::dev::{ServerBinaries, fetch};
use board::Board;
use clap::Parser;
use cluster::Cluster;
use options::{Options, Regime, What};
use output::progress;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let options = Options::parse();
    match runtime(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let mut text = format!("bench: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            progress(text);
            ExitCode::FAILURE
        }
    }
}

fn runtime(options: &Options) -> Outcome<bool> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(options))
}

/// Answers whether every target was met.
async fn measure(options: &Options) -> Outcome<bool> {
    if let Some(child) = options.child {
        memory::child(child, &options.url).await?;
        return Ok(true);
    }
    let state = machine::checkout().join(".polikrami");
    let binaries = fetch::servers_async(&state, Arc::new(|line: &str| progress(line))).await?;
    let mut board = Board::new(options)?;
    queue::remove_what_is_left()?;
    for regime in options.regimes() {
        let mut cluster = Cluster::start(regime, &binaries).await?;
        // Also when somebody loses patience: what lies in memory must not stay there.
        let done = tokio::select! {
            done = figures_of(&mut board, &mut cluster, &binaries) => done,
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into).and(Err("interrupted".into())),
        };
        cluster.stop().await?;
        done?;
    }
    output::table(&board);
    let report = report::write(&board)?;
    progress(format!("report: {}", report.display()));
    Ok(output::count(&board))
}

async fn figures_of(board: &mut Board, cluster: &mut Cluster, binaries: &ServerBinaries) -> Outcome<()> {
    let (options, regime) = (board.options.clone(), cluster.regime);
    if options.wants(What::Door) {
        writes::run(board, cluster, options.runs).await?;
        counts::run(board, cluster, binaries, options.runs).await?;
        survival::snapshot(board, cluster).await?;
        survival::killed(board, cluster, options.runs).await?;
        board.write_down(What::Door, regime)?;
    }
    if options.wants(What::Visible) {
        visible::run(board, cluster, options.runs).await?;
        board.write_down(What::Visible, regime)?;
    }
    if options.wants(What::Replay) {
        replay::run(board, cluster, options.runs).await?;
        board.write_down(What::Replay, regime)?;
    }
    // NATS has its own disk, and the shim does not reach it: there is one regime for what it limits.
    if options.wants(What::Relay) && regime == Regime::Disk {
        relaying::run(board, cluster, binaries, options.runs).await?;
        board.write_down(What::Relay, regime)?;
    }
    if options.wants(What::Memory) {
        memory::run(board, cluster, binaries, options.runs).await?;
        board.write_down(What::Memory, regime)?;
    }
    if options.wants(What::Growth) {
        growth::run(board, cluster).await?;
        board.write_down(What::Growth, regime)?;
    }
    Ok(())
}
