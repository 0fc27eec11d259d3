//! Where every measurement is chalked up, and from where it goes into files.

use crate::Outcome;
use crate::figures::{self, Figure};
use crate::load::{Load, quantile};
use crate::machine::{Machine, checkout, commit};
use crate::options::{Options, Regime, What};
use crate::output;
use crate::verdict::{Measure, Verdict};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Shares at which latencies are drawn, from the middle to the far end.
const SHARES: [f64; 12] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0];

/// The latencies of one load; of all its rounds the last.
#[derive(Debug, Clone)]
pub struct Curve {
    pub name: String,
    pub regime: Regime,
    /// Share and microseconds.
    pub points: Vec<(f64, f64)>,
}

pub struct Board {
    pub machine: Machine,
    pub commit: String,
    pub options: Options,
    measures: BTreeMap<(usize, Regime), Measure>,
    curves: BTreeMap<(String, Regime), Curve>,
    results: PathBuf,
}

impl Board {
    /// Results of the last run are replaced.
    pub fn new(options: &Options) -> Outcome<Self> {
        // cargo starts a benchmark in the folder of its package; what people name, they name from the root.
        let options = Options { out: checkout().join(&options.out), ..options.clone() };
        fs::create_dir_all(&options.out)?;
        let results = options.out.join("results.jsonl");
        fs::write(&results, "")?;
        Ok(Self {
            machine: Machine::this(),
            commit: commit(),
            options,
            measures: BTreeMap::new(),
            curves: BTreeMap::new(),
            results,
        })
    }

    /// The measure of a figure, to which rounds, latencies and violations are added.
    pub fn of(&mut self, id: &str, regime: Regime) -> &mut Measure {
        let figure = Figure::named(id);
        let place = figures::ALL.iter().position(|other| other.id == figure.id).unwrap_or(0);
        self.measures.entry((place, regime)).or_insert_with(|| Measure::new(figure, regime))
    }

    pub fn curve(&mut self, name: &str, regime: Regime, load: &Load) {
        let points = SHARES.iter().map(|share| (*share, quantile(&load.micros, *share))).collect();
        let curve = Curve { name: name.to_owned(), regime, points };
        self.curves.insert((name.to_owned(), regime), curve);
    }

    pub fn curves(&self) -> impl Iterator<Item = &Curve> {
        self.curves.values()
    }

    pub fn verdicts(&self) -> Vec<Verdict> {
        self.measures.values().map(|measure| measure.verdict(&self.machine, &self.commit)).collect()
    }

    /// Writes down what is complete, so that a run that breaks off later has not been in vain.
    pub fn write_down(&self, bench: What, regime: Regime) -> Outcome<()> {
        let done = self.measures.values().filter(|it| it.figure.bench == bench && it.regime == regime);
        let verdicts: Vec<Verdict> =
            done.map(|measure| measure.verdict(&self.machine, &self.commit)).collect();
        output::append(&self.results, &verdicts)
    }
}
