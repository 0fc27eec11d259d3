//! What was measured, as lines of JSON for programs and as a table for people.

use crate::Outcome;
use crate::board::Board;
use crate::verdict::Verdict;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// A line about what is going on, beside the answer.
#[expect(clippy::print_stderr, reason = "a person waits for minutes and wants to see something move")]
pub fn progress(text: impl AsRef<str>) {
    eprintln!("{}", text.as_ref());
}

/// A line of the answer.
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
pub fn answer(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
    std::io::stdout().flush().ok();
}

/// Appends one line for each verdict.
pub fn append(file: &Path, verdicts: &[Verdict]) -> Outcome<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    for verdict in verdicts {
        writeln!(file, "{}", serde_json::to_string(verdict)?)?;
    }
    Ok(())
}

pub fn table(board: &Board) {
    answer(format!(
        "{:<4} {:<5} {:>11} {:>11} {:>8} {:>17} {:>8} {:>8}  {:<6} {:<6} what",
        "", "", "value", "base", "ratio", "min – max", "target", "stretch", "", "runs"
    ));
    for verdict in board.verdicts() {
        let range = format!("{} – {}", short(verdict.min), short(verdict.max));
        let target =
            verdict.target.map_or(String::new(), |target| format!("{}{}", verdict.sign, short(target)));
        let stretch = verdict.stretch.map_or(String::new(), short);
        let passed = verdict.pass.map_or("", |pass| if pass { "pass" } else { "FAIL" });
        let steady = verdict.steady.map_or("", |steady| if steady { "steady" } else { "shaky" });
        answer(format!(
            "{:<4} {:<5} {:>11} {:>11} {:>8} {range:>17} {target:>8} {stretch:>8}  {passed:<6} {steady:<6} {}",
            verdict.figure,
            verdict.regime,
            short(verdict.value),
            short(verdict.base),
            short(verdict.ratio),
            verdict.words
        ));
        for text in verdict.violations.iter().chain(&verdict.notes) {
            answer(format!("           {text}"));
        }
    }
}

/// The last line; the answer is whether nothing failed.
pub fn count(board: &Board) -> bool {
    let judged: Vec<bool> = board.verdicts().into_iter().filter_map(|verdict| verdict.pass).collect();
    let passed = judged.iter().filter(|pass| **pass).count();
    answer(format!("{passed} passed, {} failed", judged.len() - passed));
    judged.len() == passed
}

/// Three digits that matter.
pub fn short(number: f64) -> String {
    let size = number.abs();
    if size >= 100.0 || number == 0.0 {
        format!("{number:.0}")
    } else if size >= 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    }
}
