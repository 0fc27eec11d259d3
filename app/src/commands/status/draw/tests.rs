use super::*;
use crate::snapshot::{Journal, Kind, Reader};
use journal::health::Timers;
use projections::State;

fn look(at_ms: u64, positions: &[i64]) -> Look {
    let head = 1_000;
    let readers = positions.iter().enumerate().map(|(at, position)| Reader {
        reader: format!("reader_{at}"),
        kind: Kind::ReadModel,
        position: *position,
        behind_events: head - position,
        behind_ms: if *position == head { 0 } else { 20_000 },
        state: State::Live,
    });
    let journal = Journal {
        head,
        readers: readers.collect(),
        flows: vec![],
        intents: vec![],
        dead_letters: vec![],
        timers: Timers { waiting: 0, overdue: 0, late_ms: None, error: None },
        roles: vec![],
    };
    Look { at_ms, database: Ok(journal), service: Service::Unknown }
}

fn drawn(now: &Look, history: &[Look], size: Size) -> Vec<String> {
    let findings = findings::findings(now, history);
    let view = View { now, history, findings: &findings, at: "19:02:11 UTC" };
    draw(&view, size).iter().map(|line| render(line, false)).collect()
}

#[test]
fn the_verdict_comes_first_and_the_rate_from_two_looks() {
    let lines = drawn(&look(3_000, &[900, 1_000]), &[look(1_000, &[900, 975])], Size::USUAL);
    assert!(lines[0].ends_with("head 1,000 · 0 events/s · 19:02:11 UTC"), "{lines:#?}");
    assert!(
        lines[1].contains("things stand still") || lines[1].contains("1 thing stands still"),
        "{lines:#?}"
    );
    let row = |name| lines.iter().find(|line| line.starts_with(&format!(" {name}"))).unwrap();
    let words = |name| row(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words("reader_0"), ["reader_0", "900", "100", "20", "s", "0", "██", "stands", "still"]);
    assert_eq!(words("reader_1"), ["reader_1", "1,000", "0", "–", "12.5", "█▁", "at", "the", "head"]);
}

#[test]
fn it_fits_the_screen_and_keeps_who_is_behind() {
    let mut positions = vec![1_000; 30];
    positions[29] = 400;
    let history = [look(0, &positions)];
    for size in [Size::USUAL, Size { columns: 40, rows: 12 }, Size { columns: 20, rows: 5 }] {
        let lines = drawn(&look(2_000, &positions), &history, size);
        assert!(lines.len() <= size.rows, "{size:?}: {lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= size.columns), "{size:?}: {lines:#?}");
    }
    let lines = drawn(&look(2_000, &positions), &history, Size::USUAL);
    assert!(lines.iter().any(|line| line.starts_with(" reader_29")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with(" at the head")), "{lines:#?}");
}

#[test]
fn errors_from_outside_cannot_steer_the_terminal() {
    let now = Look { database: Err("a\x1b[2Jb".into()), ..look(0, &[]) };
    let lines = drawn(&now, &[], Size::USUAL);
    assert!(lines.iter().all(|line| !line.contains('\x1b')), "{lines:#?}");
    let found = findings::findings(&now, &[]);
    let view = View { now: &now, history: &[], findings: &found, at: "" };
    let coloured: Vec<String> = draw(&view, Size::USUAL).iter().map(|line| render(line, true)).collect();
    assert!(coloured[1].contains("\x1b[1;31m"), "{coloured:#?}");
}
