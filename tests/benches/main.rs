//! Figures, each beside its baseline in the same run: see `./test bench --help`.
//!
//! | file | what it is |
//! |---|---|
//! | `figures.rs` | every figure: words, target, stretch |
//! | `options.rs`, `machine.rs` | the command line; where figures come from |
//! | `cluster.rs`, `slow_flush.c` | the two regimes |
//! | `pgbench.rs`, `fill.rs` | the baseline of writing; journals that are there before the clock starts |
//! | `door.rs`, `load.rs` | the real way of a command; clients and their latencies |
//! | `writes.rs` | D1 to D8 |
//! | `board.rs`, `verdict.rs`, `output.rs` | what was seen, what follows from it, where it goes |

mod board;
mod cluster;
mod door;
mod figures;
mod fill;
mod load;
mod machine;
mod options;
mod output;
mod pgbench;
mod verdict;
mod writes;

use app::dev::fetch;
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
    let binaries =
        fetch::servers_async(&machine::checkout().join(".polikrami"), Arc::new(|line: &str| progress(line)))
            .await?;
    let mut board = Board::new(options)?;
    for regime in options.regimes() {
        let cluster = Cluster::start(regime, &binaries).await?;
        let done = figures_of(&mut board, &cluster, regime).await;
        cluster.stop().await?;
        done?;
    }
    output::table(&board);
    Ok(output::count(&board))
}

async fn figures_of(board: &mut Board, cluster: &Cluster, regime: Regime) -> Outcome<()> {
    let runs = board.options.runs;
    if board.options.wants(What::Door) {
        writes::run(board, cluster, runs).await?;
        board.write_down(What::Door, regime)?;
    }
    Ok(())
}
