//! The command line of the figures.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// From this many runs on a run is thorough: periods that are meant to be long take a minute.
const THOROUGH_RUNS: u16 = 5;
const LONG_PERIOD: Duration = Duration::from_mins(1);

/// Measures the journal and what follows it, each figure beside its baseline in the same run.
///
/// Every figure is a ratio: machines differ, and one machine differs from itself an hour later. Baseline and
/// measurement take turns, RUNS times; the median counts, the extremes stand beside it.
#[derive(Parser, Debug, Clone)]
#[command(
    name = "./test bench",
    max_term_width = 100,
    after_help = "\
For example:
  ./test bench door --runs 1 --secs 1        a first look, a minute or two
  ./test bench door visible --regime slow    where every superfluous flush shows
  ./test bench all                           everything, in both regimes; leave the machine alone meanwhile
  ./test bench growth --events-max 10000000  the same journal at ten thousand, a million, ten million events

Writes OUT/results.jsonl (one line for each figure) and OUT/report.html. The last line counts; the exit code
is 1 when a figure misses its target."
)]
pub struct Options {
    /// What to measure.
    #[arg(value_enum, default_value = "all", value_name = "WHAT")]
    pub what: Vec<What>,
    /// Rounds; in each of them every configuration has its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub runs: u16,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub secs: u64,
    /// Where the database lies; both by default.
    #[arg(long, value_enum)]
    pub regime: Vec<Regime>,
    /// Where results and report go.
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    pub out: PathBuf,
    /// Events that a replay reads.
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(i64).range(1_000..=100_000_000))]
    pub events: i64,
    /// Most events that `memory` and `growth` fill a journal with.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(10_000..=100_000_000))]
    pub events_max: i64,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    pub bench: bool,
    /// The part of a process of its own, for `memory`.
    #[arg(long, hide = true, value_enum)]
    pub child: Option<Child>,
    /// The database of that part.
    #[arg(long, hide = true, default_value = "")]
    pub url: String,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Commands per second and their latency: D1 to D9, S1, S2.
    Door,
    /// From a command to the row that shows it: V1 to V4.
    Visible,
    /// Read models built anew: R1 to R4.
    Replay,
    /// Events into JetStream: N1 to N3.
    Relay,
    /// Memory and start: M1 to M3.
    Memory,
    /// The same figures at growing sizes of the journal; not part of `all`.
    Growth,
    /// Everything but growth.
    All,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Regime {
    /// The real disk with stock settings: the processor is the limit.
    Disk,
    /// In memory, and every flush of the log takes 2 ms: a cloud volume.
    Slow,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// Rebuilds a read model and tells its memory.
    Rebuild,
    /// An HTTP server with one route and nothing else.
    Bare,
}

impl Regime {
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Slow => "slow",
        }
    }
}

impl Options {
    pub fn wants(&self, what: What) -> bool {
        self.what.contains(&what) || (self.what.contains(&What::All) && what != What::Growth)
    }

    pub fn regimes(&self) -> Vec<Regime> {
        if self.regime.is_empty() {
            return vec![Regime::Disk, Regime::Slow];
        }
        let mut regimes = self.regime.clone();
        regimes.sort_unstable();
        regimes.dedup();
        regimes
    }

    pub fn period(&self) -> Duration {
        Duration::from_secs(self.secs)
    }

    /// How often, and how long, for what shows only in the long run: a minute once, instead of many short runs.
    pub fn long(&self) -> (u16, Duration) {
        if self.runs >= THOROUGH_RUNS {
            (1, LONG_PERIOD.max(self.period()))
        } else {
            (self.runs, self.period())
        }
    }
}
