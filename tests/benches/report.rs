//! All of it on one page that opens anywhere: machine, bars, percentiles, every number.

use crate::Outcome;
use crate::board::Board;
use crate::options::Regime;
use crate::output::short;
use crate::plot;
use crate::verdict::Verdict;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

const STYLE: &str = include_str!("report.css");

/// Answers where it lies.
pub fn write(board: &Board) -> Outcome<PathBuf> {
    let verdicts = board.verdicts();
    let judged: Vec<bool> = verdicts.iter().filter_map(|verdict| verdict.pass).collect();
    let passed = judged.iter().filter(|pass| **pass).count();
    let machine = &board.machine;
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Figures of {commit}</title>\
         <style>{STYLE}</style><main><header><h1>Figures</h1>\
         <p class=\"sum\"><b class=\"pass\">{passed} passed</b> <b class=\"fail\">{failed} failed</b></p>\
         <dl><dt>commit</dt><dd><code>{commit}</code></dd><dt>machine</dt><dd>{cpu}, {cores} cores, {memory} MiB</dd>\
         <dt>runs</dt><dd>{runs} of {secs} s</dd><dt>command</dt><dd><code>{command}</code></dd></dl></header>",
        commit = escaped(&board.commit),
        failed = judged.len() - passed,
        cpu = escaped(&machine.cpu),
        cores = machine.cores,
        memory = machine.memory_mib,
        runs = board.options.runs,
        secs = board.options.secs,
        command = escaped(&command()),
    );
    html.push_str(READING);
    for regime in board.options.regimes() {
        section(&mut html, board, &verdicts, regime)?;
    }
    html.push_str("</main></html>\n");
    let file = board.options.out.join("report.html");
    fs::write(&file, html)?;
    Ok(file)
}

const READING: &str = "<p class=\"reading\">Every figure is a ratio of two measurements of the same run. \
    A bar is the median as a multiple of its target; → wants to go beyond the line, ← to stay before it. \
    The whisker spans all runs, the short line is the stretch.</p>";

fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    format!("./test bench {}", words.join(" "))
}

fn section(html: &mut String, board: &Board, verdicts: &[Verdict], regime: Regime) -> Outcome<()> {
    let own: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.regime == regime.name()).collect();
    if own.is_empty() {
        return Ok(());
    }
    let words = match regime {
        Regime::Disk => "the real disk with stock settings; the processor is the limit",
        Regime::Slow => "in memory, each flush of the log takes 2 ms longer; a cloud volume",
    };
    write!(html, "<section><h2>{} <small>{words}</small></h2>", regime.name())?;
    html.push_str(&plot::bars(&own)?);
    let curves: Vec<_> = board.curves().filter(|curve| curve.regime == regime).collect();
    if !curves.is_empty() {
        write!(html, "<h3>Latency by percentile, last run</h3>{}", plot::curves(&curves)?)?;
    }
    table(html, &own)?;
    html.push_str("</section>");
    Ok(())
}

fn table(html: &mut String, verdicts: &[&Verdict]) -> Outcome<()> {
    html.push_str(
        "<table><thead><tr><th><th>what<th>value<th>base<th>unit<th>ratio<th>min – max<th>target<th>stretch\
         <th>p50 µs<th>p99 µs<th></tr></thead><tbody>",
    );
    let optional = |number: Option<f64>| number.map_or(String::new(), short);
    for verdict in verdicts {
        let (class, word) = match verdict.pass {
            Some(true) => ("pass", "pass"),
            Some(false) => ("fail", "fail"),
            None => ("", ""),
        };
        let remarks = remarks(verdict)?;
        write!(
            html,
            "<tr><td class=\"id\">{}<td class=\"what\">{}{remarks}<td>{}<td>{}<td class=\"unit\">{}\
             <td><b>{}</b><td>{} – {}<td>{}{}<td>{}<td>{}<td>{}<td class=\"{class}\">{word}</tr>",
            verdict.figure,
            escaped(verdict.words),
            short(verdict.value),
            short(verdict.base),
            verdict.unit,
            short(verdict.ratio),
            short(verdict.min),
            short(verdict.max),
            verdict.target.map_or("", |_| verdict.sign),
            optional(verdict.target),
            optional(verdict.stretch),
            optional(verdict.p50_us),
            optional(verdict.p99_us),
        )?;
    }
    html.push_str("</tbody></table>");
    Ok(())
}

/// What made it fail whatever its ratio, and what else was seen.
fn remarks(verdict: &Verdict) -> Result<String, std::fmt::Error> {
    let mut html = String::new();
    for text in &verdict.violations {
        write!(html, "<p class=\"fail\">{}</p>", escaped(text))?;
    }
    for text in &verdict.notes {
        write!(html, "<p>{}</p>", escaped(text))?;
    }
    Ok(html)
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
