//! The screen: the verdict first, then each finding with what to type, then a table of who is how far.

mod paint;
mod table;
#[cfg(test)]
mod tests;

pub use paint::{Line, render};

use super::findings::{self, Finding, Look, Service, Severity, Verdict, grouped};
use paint::{Style, plain, styled};
use table::Detail;

/// Columns and rows of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

impl Size {
    /// What every terminal has, and what is used where there is none.
    pub const USUAL: Self = Self { columns: 80, rows: 24 };
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub now: &'a Look,
    /// Earlier looks, oldest first; empty when nobody watches.
    pub history: &'a [Look],
    pub findings: &'a [Finding],
    /// The time, in words.
    pub at: &'a str,
}

/// Lines no wider than the screen, and no more than it has rows.
pub fn draw(view: &View<'_>, size: Size) -> Vec<Line> {
    let mut lines = vec![title(view, size.columns)];
    lines.extend(verdict(view, size.columns));
    let below = below(view, size.columns);
    let room = size.rows.saturating_sub(lines.len() + below.len());
    let detailed = [Detail::Spaced, Detail::All].map(|detail| table::rows(view, size.columns, detail));
    let fitting = detailed.into_iter().find(|table| table.len() <= room);
    let table = fitting.unwrap_or_else(|| table::rows(view, size.columns, Detail::Behind));
    // Whatever the height: what stands still goes before who is well.
    lines.extend(table);
    lines.extend(below);
    lines.truncate(size.rows);
    lines.into_iter().map(|line| paint::cut(line, size.columns)).collect()
}

fn title(view: &View<'_>, columns: usize) -> Line {
    let right = match &view.now.database {
        Ok(journal) => format!("head {}{} · {}", grouped(journal.head), table::head_rate(view), view.at),
        Err(_) => view.at.to_owned(),
    };
    let name = "polikrami status";
    let gap = columns.saturating_sub(name.len() + right.chars().count() + 2).max(1);
    vec![styled(Style::Bold, format!(" {name}")), plain(" ".repeat(gap)), styled(Style::Dim, right)]
}

fn verdict(view: &View<'_>, columns: usize) -> Vec<Line> {
    const FINDING_LINES_MAX: usize = 3;
    let verdict = findings::verdict(view.now, view.findings);
    let headline = findings::headline(verdict, view.findings);
    let (mark, style) = match verdict {
        Verdict::Well => ("●", Style::Well),
        Verdict::StandsStill | Verdict::CannotLook => ("▲", Style::Problem),
    };
    let mut lines = vec![vec![styled(style, format!(" {mark} {headline}"))]];
    for finding in view.findings {
        let (mark, style) = match finding.severity {
            Severity::Problem => ("✗", Style::Problem),
            Severity::Notice => ("·", Style::Notice),
        };
        let mut text = paint::wrapped(&finding.text, columns.saturating_sub(6)).into_iter();
        let first = text.next().unwrap_or_default();
        lines.push(vec![styled(style, format!("   {mark} ")), plain(first)]);
        lines.extend(text.take(FINDING_LINES_MAX - 1).map(|more| vec![plain(format!("     {more}"))]));
        let next = paint::wrapped(&finding.next, columns.saturating_sub(8)).into_iter().enumerate();
        lines.extend(next.map(|(at, text)| {
            let mark = if at == 0 { "→" } else { " " };
            vec![styled(Style::Dim, format!("     {mark} ")), styled(Style::Next, text)]
        }));
    }
    lines.push(Vec::new());
    lines
}

/// The writer and the timers, one line each.
fn below(view: &View<'_>, columns: usize) -> Vec<Line> {
    let mut lines = vec![Vec::new()];
    if let Service::Answers(process) = &view.now.service {
        let writer = &process.writer;
        let mean_tenths = (writer.commands * 10).checked_div(writer.batches).unwrap_or(0);
        let commit = writer.commit_micros.checked_div(writer.batches).unwrap_or(0);
        let text = format!(
            "queue {}, {}.{} commands a batch, {}.{} ms a commit, {} conflicts",
            writer.queue_depth,
            mean_tenths / 10,
            mean_tenths % 10,
            commit / 1_000,
            commit % 1_000 / 100,
            writer.conflicts
        );
        lines.push(vec![styled(Style::Dim, " writer   "), plain(text)]);
    }
    if let Ok(journal) = &view.now.database {
        let timers = &journal.timers;
        let next = match timers.late_ms {
            None => String::new(),
            Some(late) if late <= 0 => format!(", the next in {}", findings::age(-late)),
            Some(late) => format!(", the first is {} late", findings::age(late)),
        };
        let text = format!("{} waiting{next}", grouped(timers.waiting));
        lines.push(vec![styled(Style::Dim, " timers   "), plain(text)]);
        let roles: Vec<String> = (journal.roles.iter())
            .map(|one| format!("{} {}", one.name, if one.held { "✓" } else { "–" }))
            .collect();
        let roles = paint::wrapped(&roles.join("  "), columns.saturating_sub(10)).swap_remove(0);
        lines.push(vec![styled(Style::Dim, " runs     "), plain(roles)]);
    }
    lines
}
