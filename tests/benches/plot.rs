//! Pictures as inline SVG, drawn by hand: they need no library to be seen, and none to be made.

use crate::board::Curve;
use crate::output::short;
use crate::report::escaped;
use crate::verdict::Verdict;
use std::fmt::{self, Write};

const ROW: f64 = 34.0;
const TOP: f64 = 26.0;
const LEFT: f64 = 430.0;
const RIGHT: f64 = 120.0;
const WIDTH: f64 = 1_160.0;
/// Bars are drawn up to this multiple of the target.
const MULTIPLE_MAX: f64 = 2.0;

/// One bar for each figure: median as a multiple of its target, with the range of all rounds.
pub fn bars(verdicts: &[&Verdict]) -> Result<String, fmt::Error> {
    let judged: Vec<_> = verdicts.iter().filter(|verdict| verdict.target.is_some()).collect();
    let rows = u32::try_from(judged.len()).unwrap_or(0);
    let height = TOP + f64::from(rows) * ROW + 12.0;
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">");
    for tick in [0.0, 0.5, 1.0, 1.5, 2.0] {
        let (x, class) = (place(tick), if (tick - 1.0_f64).abs() < 1e-9 { "goal" } else { "grid" });
        write!(svg, "<line class=\"{class}\" x1=\"{x}\" x2=\"{x}\" y1=\"{TOP}\" y2=\"{}\"/>", height - 12.0)?;
        let label = match class {
            "goal" => "target".to_owned(),
            _ if tick < MULTIPLE_MAX => format!("{tick} ×"),
            _ => format!("{tick} × or more"),
        };
        write!(svg, "<text class=\"tick\" x=\"{x}\" y=\"16\" text-anchor=\"middle\">{label}</text>")?;
    }
    for (row, verdict) in (0_u32..).zip(judged) {
        bar(&mut svg, verdict, TOP + f64::from(row) * ROW)?;
    }
    svg.push_str("</svg>");
    Ok(svg)
}

fn place(multiple: f64) -> f64 {
    let shown = if multiple.is_finite() { multiple.clamp(0.0, MULTIPLE_MAX) } else { MULTIPLE_MAX };
    LEFT + shown / MULTIPLE_MAX * (WIDTH - LEFT - RIGHT)
}

fn bar(svg: &mut String, verdict: &Verdict, top: f64) -> fmt::Result {
    let target = verdict.target.unwrap_or(1.0);
    // A count that must be zero has no multiple: nothing is drawn at nothing, and everything else is far too much.
    let multiple = |ratio: f64| if ratio == 0.0 { 0.0 } else { ratio / target };
    let class = if verdict.pass == Some(true) { "pass" } else { "fail" };
    let (middle, end) = (top + ROW / 2.0, place(multiple(verdict.ratio)));
    let side = if verdict.sign == "≥" { "→" } else { "←" };
    write!(
        svg,
        "<text class=\"id\" x=\"0\" y=\"{0}\">{1}</text><text class=\"words\" x=\"34\" y=\"{0}\">{2}</text>\
         <text class=\"better\" x=\"{3}\" y=\"{0}\" text-anchor=\"end\">{side}</text>",
        middle + 4.0,
        verdict.figure,
        escaped(&cut(verdict.words)),
        LEFT - 8.0,
    )?;
    let width = (end - LEFT).max(2.0);
    write!(
        svg,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{width}\" height=\"14\" rx=\"2\"/>",
        middle - 7.0
    )?;
    whisker(svg, place(multiple(verdict.min)), place(multiple(verdict.max)), middle)?;
    if let Some(stretch) = verdict.stretch {
        let (x, top, foot) = (place(multiple(stretch)), middle - 12.0, middle + 12.0);
        write!(svg, "<line class=\"stretch\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{foot}\"/>")?;
    }
    write!(
        svg,
        "<text class=\"ratio {class}\" x=\"{}\" y=\"{}\">{} <tspan class=\"aim\">{}{}</tspan></text>",
        WIDTH - RIGHT + 14.0,
        middle + 4.0,
        short(verdict.ratio),
        verdict.sign,
        short(target),
    )
}

fn whisker(svg: &mut String, from: f64, to: f64, middle: f64) -> fmt::Result {
    let (top, foot) = (middle - 4.0, middle + 4.0);
    write!(svg, "<path class=\"whisker\" d=\"M{from} {top}V{foot}M{from} {middle}H{to}M{to} {top}V{foot}\"/>")
}

/// What fits beside the bars; the whole text is in the table.
fn cut(words: &str) -> String {
    const CHARS_MAX: usize = 50;
    if words.chars().count() <= CHARS_MAX {
        return words.to_owned();
    }
    let cut: String = words.chars().take(CHARS_MAX - 1).collect();
    format!("{}…", cut.trim_end())
}

const COLOURS: [&str; 8] =
    ["#2563a8", "#c2571a", "#2e7d4f", "#8a3ea0", "#b0892b", "#1c8a94", "#a83258", "#5a6472"];
const CURVES_HEIGHT: f64 = 360.0;
const CURVES_LEFT: f64 = 76.0;
const CURVES_RIGHT: f64 = 300.0;
const CURVES_FOOT: f64 = 40.0;

/// Latency by percentile, both axes stretched towards where it hurts.
pub fn curves(curves: &[&Curve]) -> Result<String, fmt::Error> {
    let micros = || curves.iter().flat_map(|curve| &curve.points).map(|(_, micros)| micros.max(1.0).log10());
    let low = micros().fold(f64::INFINITY, f64::min).floor();
    let high = micros().fold(low + 1.0, f64::max).ceil();
    let y = |micros: f64| {
        let share = (micros.max(1.0).log10() - low) / (high - low);
        TOP + (1.0 - share) * (CURVES_HEIGHT - TOP - CURVES_FOOT)
    };
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {CURVES_HEIGHT}\" role=\"img\">");
    let (end, foot) = (WIDTH - CURVES_RIGHT, CURVES_HEIGHT - CURVES_FOOT);
    let mut power = low;
    while power <= high {
        let (at, label) = (y(10_f64.powf(power)), duration(10_f64.powf(power)));
        write!(svg, "<line class=\"grid\" x1=\"{CURVES_LEFT}\" x2=\"{end}\" y1=\"{at}\" y2=\"{at}\"/>")?;
        write!(
            svg,
            "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{label}</text>",
            CURVES_LEFT - 8.0,
            at + 4.0
        )?;
        power += 1.0;
    }
    if let Some(first) = curves.first() {
        for (share, _) in &first.points {
            let at = across(*share);
            write!(svg, "<line class=\"grid\" x1=\"{at}\" x2=\"{at}\" y1=\"{TOP}\" y2=\"{foot}\"/>")?;
            let label = percent(*share);
            write!(
                svg,
                "<text class=\"tick\" x=\"{at}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                foot + 18.0
            )?;
        }
    }
    for (number, curve) in curves.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        line(&mut svg, curve, colour, y)?;
        let at = TOP + 12.0 + f64::from(u32::try_from(number).unwrap_or(0)) * 22.0;
        write!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"18\" height=\"3\" fill=\"{colour}\"/>",
            end + 24.0,
            at - 5.0
        )?;
        write!(svg, "<text class=\"words\" x=\"{}\" y=\"{at}\">{}</text>", end + 50.0, escaped(&curve.name))?;
    }
    svg.push_str("</svg>");
    Ok(svg)
}

/// Each further nine takes the same room; the largest of all stands where the sixth would.
fn across(share: f64) -> f64 {
    const NINES: f64 = 4.5;
    let nines = -(1.0 - share).max(10_f64.powf(-NINES)).log10();
    CURVES_LEFT + 12.0 + nines / NINES * (WIDTH - CURVES_RIGHT - CURVES_LEFT - 24.0)
}

fn line(svg: &mut String, curve: &Curve, colour: &str, y: impl Fn(f64) -> f64) -> fmt::Result {
    write!(svg, "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"")?;
    for (share, micros) in &curve.points {
        write!(svg, "{:.1},{:.1} ", across(*share), y(*micros))?;
    }
    svg.write_str("\"/>")
}

fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "max".to_owned();
    }
    // Those below the median lie too close together to be named.
    if share < 0.5 && share > 0.0 || (share - 0.95).abs() < 1e-9 || (share - 0.995).abs() < 1e-9 {
        return String::new();
    }
    if share == 0.0 {
        return "min".to_owned();
    }
    let text = format!("{:.2}", share * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn duration(micros: f64) -> String {
    if micros >= 1e6 {
        format!("{:.0} s", micros / 1e6)
    } else if micros >= 1e3 {
        format!("{:.0} ms", micros / 1e3)
    } else {
        format!("{micros:.0} µs")
    }
}
