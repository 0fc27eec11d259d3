//! Looks again and again: in place on a terminal, in blocks or lines elsewhere.

use super::draw::{self, Size, View};
use super::findings::{self, Look, Verdict};
use super::look::Looker;
use super::{clock, print, report};
use crate::commands::{BoxError, stop_signal};
use crate::terminal;
use std::time::Duration;

/// Earlier looks that are kept: for curves, and to tell what has not moved for long.
const LOOKS_KEPT: usize = 32;

/// Until Ctrl-C; answers what was seen last.
pub async fn run(looker: &mut Looker, pause: Duration, json: bool) -> Result<Verdict, BoxError> {
    let screen = if json { None } else { terminal::Screen::open() };
    let mut stop = std::pin::pin!(stop_signal());
    let mut history: Vec<Look> = Vec::new();
    let mut seen = Verdict::CannotLook;
    loop {
        let now = tokio::select! {
            now = looker.look() => now,
            stopped = &mut stop => return stopped.map(|()| seen),
        };
        seen = show(screen.as_ref(), &now, &history, json)?;
        history.push(now);
        if history.len() > LOOKS_KEPT {
            history.remove(0);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            stopped = &mut stop => return stopped.map(|()| seen),
        }
    }
}

fn show(
    screen: Option<&terminal::Screen>,
    now: &Look,
    history: &[Look],
    json: bool,
) -> Result<Verdict, BoxError> {
    let found = findings::findings(now, history);
    let at = clock();
    let view = View { now, history, findings: &found, at: &at };
    let (columns, rows) = terminal::size().unwrap_or((Size::USUAL.columns, Size::USUAL.rows));
    match screen {
        Some(screen) => {
            let lines = draw::draw(&view, Size { columns, rows });
            let colour = terminal::is_coloured();
            screen.show(lines.iter().map(|line| draw::render(line, colour)));
        }
        None if json => terminal::line(serde_json::to_string(&report(now, &found))?),
        None => {
            print(&view, Size { columns, rows: usize::MAX });
            terminal::line("");
        }
    }
    Ok(findings::verdict(now, &found))
}
