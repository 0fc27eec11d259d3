//! From pictures of the service to what an operator must know. Pure: the same pictures, the same words.

mod processes;
pub mod readers;
mod steps;
#[cfg(test)]
mod tests;

use crate::snapshot::{Journal, Process};
use serde::Serialize;

/// Lag younger than this is a moment of work.
pub const READER_BEHIND_MS: i64 = 10_000;
/// Flows hear through NATS, or by their self-check, which may be 30 s late without anything being wrong.
pub const FLOW_BEHIND_MS: i64 = 45_000;
/// A step may try, wait for a provider's time-out and try again.
pub const INTENT_MS: i64 = 60_000;
/// Due timers are looked for four times a second.
pub const TIMER_LATE_MS: i64 = 10_000;
/// The relay repairs a lost connection by itself, usually sooner.
pub const INTERRUPTED_SECONDS: u64 = 10;
/// The writer commits many times a second if it has anything to commit.
pub const WRITER_STALLED_MS: u64 = 10_000;
/// Half of the writer's queue.
pub const QUEUE_COMMANDS: usize = 2_048;

/// Everything that one look brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// On a clock of the command's own.
    pub at_ms: u64,
    /// The cause, when the database does not answer.
    pub database: Result<Journal, String>,
    pub service: Service,
}

/// What the operators' port answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Service {
    /// Nobody said where it is.
    Unknown,
    Away {
        address: String,
        cause: String,
    },
    Answers(Process),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something stands still, and will until somebody acts or a server comes back.
    Problem,
    /// Worth knowing; it moves by itself.
    Notice,
}

/// One sentence with its cause, and what to type next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub text: String,
    pub next: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Well,
    StandsStill,
    CannotLook,
}

impl Verdict {
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::StandsStill => 1,
            Self::CannotLook => 2,
        }
    }
}

impl Finding {
    fn problem(text: impl Into<String>, next: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, text: text.into(), next: next.into() }
    }

    fn notice(text: impl Into<String>, next: impl Into<String>) -> Self {
        Self { severity: Severity::Notice, text: text.into(), next: next.into() }
    }
}

pub fn verdict(look: &Look, findings: &[Finding]) -> Verdict {
    if look.database.is_err() {
        Verdict::CannotLook
    } else if findings.iter().any(|one| one.severity == Severity::Problem) {
        Verdict::StandsStill
    } else {
        Verdict::Well
    }
}

/// The headline: how many things an operator must look at.
pub fn headline(verdict: Verdict, findings: &[Finding]) -> String {
    let problems = findings.iter().filter(|one| one.severity == Severity::Problem).count();
    let notices = findings.len() - problems;
    match (verdict, problems, notices) {
        (Verdict::CannotLook, ..) => "cannot look".into(),
        (_, 0, 0) => "all well".into(),
        (_, 0, 1) => "nothing stands still; one thing to know".into(),
        (_, 0, more) => format!("nothing stands still; {more} things to know"),
        (_, 1, _) => "1 thing stands still".into(),
        (_, more, _) => format!("{more} things stand still"),
    }
}

/// What must be said about the last look; `history` holds earlier ones, oldest first.
pub fn findings(now: &Look, history: &[Look]) -> Vec<Finding> {
    let mut found = Vec::new();
    match &now.database {
        Err(cause) => found.push(Finding::problem(
            format!("PostgreSQL does not answer: {cause}"),
            "start PostgreSQL, or mend DATABASE_URL; everything resumes by itself",
        )),
        Ok(journal) => {
            let before = history.last().and_then(|look| look.database.as_ref().ok());
            found.extend(readers::read_models(journal, before));
            found.extend(readers::relay(journal, before, &now.service));
            found.extend(readers::seals(journal, before));
            found.extend(steps::flows(journal));
            found.extend(steps::intents(journal));
            found.extend(steps::letters(journal));
            found.extend(steps::timers(journal));
            let idle = processes::idle_roles(journal, &found);
            found.extend(idle);
        }
    }
    found.extend(processes::service(&now.service));
    found.extend(processes::writer(now, history));
    found.sort_by_key(|one| one.severity);
    found
}

fn held(journal: &Journal, role: &str) -> bool {
    journal.roles.iter().any(|one| one.name == role && one.held)
}

/// `1 event`, `392 events`.
pub fn count(number: i64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{} {what}s", grouped(number)) }
}

/// With a comma between thousands.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An age in the largest unit that says enough.
pub fn age(ms: i64) -> String {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match ms {
        ..SECOND => "0 s".into(),
        SECOND..120_000 => format!("{} s", ms / SECOND),
        120_000..7_200_000 => format!("{} min", ms / MINUTE),
        7_200_000..172_800_000 => format!("{} h", ms / HOUR),
        _ => format!("{} d", ms / DAY),
    }
}
