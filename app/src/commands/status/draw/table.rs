//! Who is how far: position, lag, rate, and the lag of the last looks as a small curve.

use super::View;
use super::paint::{Line, Span, Style, plain, styled};
use crate::commands::status::findings::readers::{Pace, pace};
use crate::commands::status::findings::{FLOW_BEHIND_MS, Look, age, grouped};
use crate::snapshot::{Journal, Kind};
use projections::State;

/// Looks in a curve.
const CURVE_LOOKS: usize = 12;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Each on a line, with air between read models, other readers and flows.
    Spaced,
    All,
    /// Who is at the head is one line together.
    Behind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    ReadModels,
    Others,
    Flows,
}

struct Row<'a> {
    group: Group,
    name: &'a str,
    position: i64,
    behind: i64,
    since_ms: i64,
    state: Span,
    well: bool,
}

pub fn rows(view: &View<'_>, columns: usize, detail: Detail) -> Vec<Line> {
    let Ok(journal) = &view.now.database else { return Vec::new() };
    let watching = !view.history.is_empty();
    // A rate needs an earlier look, a curve several.
    let moves = if watching { format!("{:>9}  {:<CURVE_LOOKS$}", "events/s", "lag") } else { String::new() };
    let head = format!(" {:<14}{:>10}{:>9}{:>8}{moves}  state", "reader", "position", "behind", "since");
    let mut lines = vec![vec![styled(Style::Dim, head.chars().take(columns).collect::<String>())]];
    let all = table(view, journal);
    let (well, shown): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|row| row.well && detail == Detail::Behind);
    let mut group = Group::ReadModels;
    for row in &shown {
        if detail == Detail::Spaced && row.group != group {
            lines.push(Vec::new());
        }
        group = row.group;
        lines.push(line(view, row, watching));
    }
    if !well.is_empty() {
        let names: Vec<&str> = well.iter().map(|row| row.name).collect();
        let names = super::paint::wrapped(&names.join(", "), columns.saturating_sub(16));
        lines.extend(names.into_iter().enumerate().map(|(at, names)| {
            vec![
                styled(Style::Well, if at == 0 { " at the head   " } else { "               " }),
                plain(names),
            ]
        }));
    }
    lines
}

fn table<'a>(view: &View<'a>, journal: &'a Journal) -> Vec<Row<'a>> {
    let before = view.history.last().and_then(|look| look.database.as_ref().ok());
    let readers = journal.readers.iter().map(|one| {
        let (text, style) = match (&one.state, pace(one, before)) {
            (State::Stopped { .. }, _) => ("stopped", Style::Problem),
            (State::Outdated { .. }, _) => ("outdated", Style::Problem),
            (_, Pace::AtHead) => ("at the head", Style::Well),
            (_, Pace::Working) => ("working", Style::Plain),
            (_, Pace::CatchingUp) => ("catching up", Style::Notice),
            (_, Pace::Stands) => ("stands still", Style::Problem),
        };
        let group = if one.kind == Kind::ReadModel { Group::ReadModels } else { Group::Others };
        Row {
            group,
            name: &one.reader,
            position: one.position,
            behind: one.behind_events,
            since_ms: one.behind_ms,
            state: styled(style, text),
            well: style == Style::Well,
        }
    });
    let flows = journal.flows.iter().map(|one| {
        let (text, style) = match one.waiting_ms {
            _ if one.waiting == 0 => ("at the head", Style::Well),
            ..FLOW_BEHIND_MS => ("working", Style::Plain),
            _ => ("stands still", Style::Problem),
        };
        Row {
            group: Group::Flows,
            name: &one.flow,
            position: one.position,
            behind: one.waiting,
            since_ms: one.waiting_ms,
            state: styled(style, text),
            well: style == Style::Well,
        }
    });
    readers.chain(flows).collect()
}

fn line(view: &View<'_>, row: &Row<'_>, watching: bool) -> Line {
    let since = if row.behind == 0 { "–".into() } else { age(row.since_ms) };
    let numbers = format!("{:>10}{:>9}{since:>8}", grouped(row.position), grouped(row.behind));
    let style = if row.well { Style::Dim } else { Style::Plain };
    let mut line = vec![plain(format!(" {:<14}", row.name)), styled(style, numbers)];
    if watching {
        let rate = view.history.last().and_then(|before| rate(before, view.now, row.name));
        line.push(styled(style, format!("{:>9}  ", rate.unwrap_or_else(|| "–".into()))));
        let style = if row.well { Style::Dim } else { row.state.style };
        line.push(styled(style, format!("{:<CURVE_LOOKS$}", curve(view, row.name))));
    }
    line.extend([plain("  "), row.state.clone()]);
    line
}

/// Position and lag of a reader or flow in one look.
fn place(look: &Look, name: &str) -> Option<(i64, i64)> {
    let journal = look.database.as_ref().ok()?;
    let reader = journal.readers.iter().find(|one| one.reader == name);
    let flow = || journal.flows.iter().find(|one| one.flow == name).map(|one| (one.position, one.waiting));
    reader.map(|one| (one.position, one.behind_events)).or_else(flow)
}

/// Events a second between two looks; a rebuilt reader that went back has none.
fn rate(before: &Look, now: &Look, name: &str) -> Option<String> {
    let moved = place(now, name)?.0 - place(before, name)?.0;
    per_second(moved, now.at_ms.checked_sub(before.at_ms)?)
}

fn per_second(moved: i64, ms: u64) -> Option<String> {
    let tenths = moved.checked_mul(10_000)?.checked_div(i64::try_from(ms).ok()?)?;
    match tenths {
        ..0 => None,
        0 => Some("0".into()),
        1..1_000 => Some(format!("{}.{}", tenths / 10, tenths % 10)),
        _ => Some(grouped(tenths / 10)),
    }
}

/// ` · 3.2 events/s` behind the head, while somebody watches.
pub fn head_rate(view: &View<'_>) -> String {
    let rate = view.history.last().and_then(|before| {
        let head = |look: &Look| look.database.as_ref().ok().map(|journal| journal.head);
        per_second(head(view.now)? - head(before)?, view.now.at_ms.checked_sub(before.at_ms)?)
    });
    rate.map_or_else(String::new, |rate| format!(" · {rate} events/s"))
}

/// The lag of the last looks, against the greatest of them.
fn curve(view: &View<'_>, name: &str) -> String {
    let looks = view.history.iter().chain([view.now]);
    let lags: Vec<i64> = looks.filter_map(|look| place(look, name)).map(|(_, behind)| behind).collect();
    let lags = &lags[lags.len().saturating_sub(CURVE_LOOKS)..];
    let most = lags.iter().copied().max().unwrap_or(0);
    lags.iter().map(|lag| bar(*lag, most)).collect()
}

fn bar(lag: i64, most: i64) -> char {
    let step = (lag * 7 + most - 1).checked_div(most).unwrap_or(0);
    usize::try_from(step).ok().and_then(|step| BARS.get(step).copied()).unwrap_or(BARS[0])
}
