//! Every figure in one table: its words, what it must reach, and what it aims at.

use crate::options::{Regime, What};

#[derive(Debug)]
pub struct Figure {
    pub id: &'static str,
    pub bench: What,
    /// What is divided by what.
    pub words: &'static str,
    pub clients: u32,
    pub better: Better,
    /// Absent where it is not measured in that regime.
    pub disk: Option<Goal>,
    pub slow: Option<Goal>,
    /// Of value and base.
    pub unit: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

#[derive(Debug, Clone, Copy)]
pub struct Goal {
    pub target: f64,
    pub stretch: Option<f64>,
}

/// A run among several may be this much worse than the target: noise must not fail an honest change.
pub const TOLERATED: f64 = 0.9;

impl Better {
    pub fn meets(self, value: f64, target: f64) -> bool {
        match self {
            Self::Higher => value >= target,
            Self::Lower => value <= target,
        }
    }

    /// Whether even the worst run is near enough to the target.
    pub fn holds(self, min: f64, max: f64, target: f64) -> bool {
        match self {
            Self::Higher => min >= target * TOLERATED,
            Self::Lower => max <= target / TOLERATED,
        }
    }

    pub fn sign(self) -> &'static str {
        match self {
            Self::Higher => "≥",
            Self::Lower => "≤",
        }
    }
}

impl Figure {
    pub fn goal(&self, regime: Regime) -> Option<Goal> {
        match regime {
            Regime::Disk => self.disk,
            Regime::Slow => self.slow,
        }
    }

    /// The figure of that name; the names are those of this table.
    pub fn named(id: &str) -> &'static Self {
        ALL.iter().find(|figure| figure.id == id).unwrap_or(&ALL[0])
    }
}

const fn goal(target: f64, stretch: f64) -> Goal {
    Goal { target, stretch: Some(stretch) }
}

const fn at(target: f64) -> Goal {
    Goal { target, stretch: None }
}

/// On disk, and in the slow regime.
type Goals = (Option<Goal>, Option<Goal>);

const fn figure(
    id: &'static str,
    bench: What,
    (clients, unit): (u32, &'static str),
    better: Better,
    (disk, slow): Goals,
    words: &'static str,
) -> Figure {
    Figure { id, bench, words, clients, better, disk, slow, unit }
}

const fn each(disk: Goal, slow: Goal) -> Goals {
    (Some(disk), Some(slow))
}

const fn both(goal: Goal) -> Goals {
    each(goal, goal)
}

const fn disk(goal: Goal) -> Goals {
    (Some(goal), None)
}

/// Told, not judged.
const UNJUDGED: Goals = (None, None);

use Better::{Higher, Lower};
use What::{Door, Growth, Memory, Relay, Replay, Visible};

const RATE: &str = "commands/s";
const MICROS: &str = "µs";
const EVENTS: &str = "events/s";

/// In the order of reports.
#[rustfmt::skip]
pub const ALL: &[Figure] = &[
    figure("D1", Door, (32, RATE), Higher, disk(goal(1.2, 1.6)), "door at 32 ÷ pgbench at 32"),
    figure("D2", Door, (32, RATE), Higher, (None, Some(goal(0.9, 1.1))), "door at 32 ÷ pgbench at 32"),
    figure("D3", Door, (1, RATE), Higher, each(goal(0.75, 0.85), goal(0.95, 0.98)), "door at 1 ÷ pgbench at 1"),
    figure("D4", Door, (8, RATE), Higher, each(goal(0.75, 0.9), goal(0.88, 1.0)), "door at 8 ÷ pgbench at 8"),
    figure("D5", Door, (256, RATE), Higher, each(goal(2.5, 3.5), goal(3.8, 5.0)), "door at 256 ÷ pgbench at 32"),
    figure("D6", Door, (32, MICROS), Lower, both(goal(1.5, 1.2)), "p99 of the door at 32 ÷ mean of pgbench at 32"),
    figure("D7", Door, (32, RATE), Higher, both(goal(0.7, 0.85)), "cold door (5 events to load) ÷ warm door, at 32"),
    figure("D8", Door, (8, RATE), Higher, both(goal(0.5, 0.9)), "8 tasks on one aggregate ÷ on eight; no lost race"),
    figure("D9", Door, (1, "per batch"), Lower, both(at(1.05)), "statements, and flushes, for each batch; everything on"),
    figure("S1", Door, (32, "ms"), Lower, both(at(2.0)), "first command after kill −9 ÷ after a clean start; nothing lost, doubled or missing"),
    figure("S2", Door, (32, RATE), Higher, both(at(0.95)), "door at 32 under another session's snapshot ÷ without; no trend"),
    figure("V1", Visible, (8, MICROS), Lower, both(goal(3.0, 2.0)), "command → visible p99 ÷ commit p50, paced"),
    figure("V2", Visible, (32, MICROS), Lower, both(goal(2.5, 1.5)), "command → visible p99 ÷ commit p50, at 32"),
    figure("V3", Visible, (32, "events"), Lower, both(at(0.0)), "events without their place, while writing at full speed"),
    figure("V4", Visible, (32, RATE), Higher, each(goal(0.6, 0.75), at(0.9)), "door at 32 with all projections ÷ with none; lag ≤ 2 pages"),
    figure("R1", Replay, (1, EVENTS), Higher, both(goal(100.0, 180.0)), "rebuild of one projection ÷ stock QueryReplay"),
    figure("R2", Replay, (1, EVENTS), Higher, both(goal(0.5, 0.65)), "rebuild of one projection ÷ COPY out of the log and in of the table"),
    figure("R3", Replay, (1, "s"), Lower, both(goal(0.6, 0.4)), "all projections ÷ sum of single rebuilds (time)"),
    figure("R4", Replay, (8, MICROS), Lower, both(goal(1.5, 1.2)), "paced door p99 during a rebuild ÷ without"),
    figure("N1", Relay, (1, EVENTS), Higher, disk(goal(0.75, 0.9)), "relay catch-up ÷ raw windowed publish"),
    figure("N2", Relay, (1, EVENTS), Higher, disk(goal(10.0, 15.0)), "relay ÷ single acknowledgements, both with a flush for each message"),
    figure("N3", Relay, (32, EVENTS), Higher, disk(goal(2.0, 3.0)), "relay catch-up ÷ door at 32"),
    figure("M1", Memory, (1, "KiB"), Lower, both(at(1.05)), "peak memory of a rebuild ÷ of one with a tenth of the events; ≤ idle + 24 MiB"),
    figure("M2", Memory, (0, "KiB"), Lower, both(goal(2.5, 1.8)), "idle memory of the service ÷ of a bare HTTP server"),
    figure("M3", Memory, (0, "ms"), Lower, both(goal(1.2, 1.05)), "start → ready on a full journal ÷ on an empty one"),
    figure("G1", Growth, (32, RATE), Higher, UNJUDGED, "door at 32 on a grown journal ÷ on 10,000 events"),
    figure("G2", Growth, (32, MICROS), Lower, UNJUDGED, "p50 of the door on a grown journal ÷ on 10,000 events"),
    figure("G3", Growth, (32, MICROS), Lower, UNJUDGED, "p99 of the door on a grown journal ÷ on 10,000 events"),
    figure("G4", Growth, (1, EVENTS), Higher, UNJUDGED, "rebuild on a grown journal ÷ on 10,000 events"),
    figure("G5", Growth, (1, EVENTS), Higher, UNJUDGED, "filling a grown journal ÷ the first 10,000 events"),
];
