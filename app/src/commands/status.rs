//! `polikrami status`: one screen that says what stands still, and why.
//!
//! | file | what it is |
//! |---|---|
//! | `look.rs` | one look at the database and at the operators' port |
//! | `findings.rs` | from looks to findings and a verdict, pure |
//! | `draw.rs` | from findings to lines, pure |
//! | `watch.rs` | again and again, in place |

mod draw;
mod findings;
mod look;
mod watch;

use super::BoxError;
use crate::cli::StatusArgs;
use crate::snapshot::Journal;
use crate::terminal;
use draw::{Size, View};
use findings::{Finding, Look, Service, Verdict};
use journal::Clock;
use look::Looker;
use serde::Serialize;
use std::process::ExitCode;
use std::time::Duration;
use time::macros::format_description;

/// Between the two looks that tell standing still from catching up.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// Ends with what a monitor can use: 0 well, 1 something stands still, 2 cannot look.
pub async fn run(args: &StatusArgs) -> ExitCode {
    match verdict(args).await {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(error) => {
            terminal::note(format!("polikrami: {error}"));
            ExitCode::from(Verdict::CannotLook.exit_code())
        }
    }
}

async fn verdict(args: &StatusArgs) -> Result<Verdict, BoxError> {
    let mut looker = Looker::new(args)?;
    if let Some(seconds) = args.watch {
        return watch::run(&mut looker, Duration::from_secs(seconds), args.json).await;
    }
    let first = looker.look().await;
    let (now, history) = if findings::findings(&first, &[]).is_empty() || first.database.is_err() {
        (first, vec![])
    } else {
        tokio::time::sleep(SECOND_LOOK).await;
        (looker.look().await, vec![first])
    };
    let found = findings::findings(&now, &history);
    if args.json {
        terminal::line(serde_json::to_string_pretty(&report(&now, &found))?);
    } else {
        let at = clock();
        let view = View { now: &now, history: &[], findings: &found, at: &at };
        let columns = terminal::size().map_or(Size::USUAL.columns, |(columns, _)| columns);
        print(&view, Size { columns, rows: usize::MAX });
    }
    Ok(findings::verdict(&now, &found))
}

fn print(view: &View<'_>, size: Size) {
    let colour = terminal::is_coloured();
    let lines: Vec<String> = draw::draw(view, size).iter().map(|line| draw::render(line, colour)).collect();
    terminal::line(lines.join("\n"));
}

/// What a machine gets: the verdict first, then what it stands on.
#[derive(Serialize)]
struct Report<'a> {
    verdict: Verdict,
    headline: String,
    findings: &'a [Finding],
    /// Absent when the database does not answer; the first finding says why.
    database: Option<&'a Journal>,
    service: &'a Service,
}

fn report<'a>(now: &'a Look, findings: &'a [Finding]) -> Report<'a> {
    let verdict = findings::verdict(now, findings);
    let headline = findings::headline(verdict, findings);
    Report { verdict, headline, findings, database: now.database.as_ref().ok(), service: &now.service }
}

fn clock() -> String {
    let format = format_description!("[hour]:[minute]:[second] UTC");
    // The format is fixed, so writing it cannot fail; a screen without a time is still a screen.
    Clock::system().now().format(format).unwrap_or_default()
}
