//! One figure in one regime: all rounds, and what follows from them.

use crate::figures::Figure;
use crate::load::Load;
use crate::machine::Machine;
use crate::options::Regime;
use clap::ValueEnum;
use serde::Serialize;

/// What the rounds of a figure saw.
#[derive(Debug)]
pub struct Measure {
    pub figure: &'static Figure,
    pub regime: Regime,
    /// Value and base of each round.
    rounds: Vec<(f64, f64)>,
    p50_us: Vec<f64>,
    p99_us: Vec<f64>,
    /// What makes it fail whatever its ratio.
    violations: Vec<String>,
    notes: Vec<String>,
}

/// A line of the results.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    pub figure: &'static str,
    pub bench: String,
    pub regime: &'static str,
    pub words: &'static str,
    pub clients: u32,
    pub unit: &'static str,
    pub value: f64,
    pub base: f64,
    /// Median of the rounds' ratios.
    pub ratio: f64,
    pub min: f64,
    pub max: f64,
    pub runs: usize,
    pub sign: &'static str,
    pub target: Option<f64>,
    pub stretch: Option<f64>,
    pub pass: Option<bool>,
    /// Whether even the worst round is within a tenth of the target.
    pub steady: Option<bool>,
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
    pub violations: Vec<String>,
    pub notes: Vec<String>,
    pub machine: Machine,
    pub commit: String,
}

impl Measure {
    pub fn new(figure: &'static Figure, regime: Regime) -> Self {
        let (rounds, p50_us, p99_us) = (Vec::new(), Vec::new(), Vec::new());
        Self { figure, regime, rounds, p50_us, p99_us, violations: Vec::new(), notes: Vec::new() }
    }

    pub fn round(&mut self, value: f64, base: f64) {
        self.rounds.push((value, base));
    }

    pub fn latency(&mut self, load: &Load) {
        self.p50_us.push(load.quantile_us(0.5));
        self.p99_us.push(load.quantile_us(0.99));
    }

    pub fn violate(&mut self, text: String) {
        self.violations.push(text);
    }

    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    pub fn verdict(&self, machine: &Machine, commit: &str) -> Verdict {
        let Figure { id, bench, words, clients, better, unit, .. } = *self.figure;
        let ratios: Vec<f64> = self.rounds.iter().map(|(value, base)| ratio(*value, *base)).collect();
        let (min, max) = ratios
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), ratio| (min.min(*ratio), max.max(*ratio)));
        let median_ratio = median(&ratios).unwrap_or(f64::NAN);
        let goal = self.figure.goal(self.regime);
        let sound = self.violations.is_empty();
        Verdict {
            figure: id,
            bench: bench.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default(),
            regime: self.regime.name(),
            words,
            clients,
            unit,
            value: median(&self.column(|(value, _)| *value)).unwrap_or(f64::NAN),
            base: median(&self.column(|(_, base)| *base)).unwrap_or(f64::NAN),
            ratio: median_ratio,
            min,
            max,
            runs: ratios.len(),
            sign: better.sign(),
            target: goal.map(|goal| goal.target),
            stretch: goal.and_then(|goal| goal.stretch),
            pass: goal.map(|goal| sound && better.meets(median_ratio, goal.target)),
            steady: goal.map(|goal| sound && better.holds(min, max, goal.target)),
            p50_us: median(&self.p50_us),
            p99_us: median(&self.p99_us),
            violations: self.violations.clone(),
            notes: self.notes.clone(),
            machine: machine.clone(),
            commit: commit.to_owned(),
        }
    }

    fn column(&self, of: impl Fn(&(f64, f64)) -> f64) -> Vec<f64> {
        self.rounds.iter().map(of).collect()
    }
}

/// Nothing by nothing is nothing: a count that must be zero has no base.
fn ratio(value: f64, base: f64) -> f64 {
    if value == 0.0 && base == 0.0 { 0.0 } else { value / base }
}

/// The lower one of two in the middle, so that the answer is a value that was seen.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}
