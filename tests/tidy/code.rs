//! Words that must not stand in code.

use super::source::{product_code, without_comments};
use super::tree::{TextFile, files, files_with, refuse};

/// `file:line` of each place where `word` stands, not as a part of a longer name.
fn places_of(file: &TextFile, word: &str) -> Vec<String> {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let stands_in = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let opens_name = word.starts_with(part_of_name) && line[..at].ends_with(part_of_name);
            let goes_on = word.ends_with(part_of_name) && line[at + word.len()..].starts_with(part_of_name);
            !opens_name && !goes_on
        })
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| stands_in(line));
    lines.map(|(at, _)| format!("{}:{}: {word}", file.path, at + 1)).collect()
}

fn places_of_any(files: &[TextFile], words: &[&str]) -> Vec<String> {
    files.iter().flat_map(|file| words.iter().flat_map(|word| places_of(file, word))).collect()
}

#[test]
fn nothing_is_left_to_do() {
    refuse(
        &places_of_any(&product_code(), &["todo!", "unimplemented!", "dbg!"]),
        "Build it, or leave it out: a door that panics is no door.",
    );
}

#[test]
fn product_code_does_not_panic_on_what_can_happen() {
    refuse(
        &places_of_any(&product_code(), &[".unwrap()", ".expect(", ".unwrap_err()", ".expect_err("]),
        "Return an error, or write the code so that the case cannot arise.",
    );
}

#[test]
fn lints_are_excused_one_by_one_with_a_reason() {
    let mut files = files_with("rs");
    for file in &mut files {
        file.text = without_comments(&file.text, false);
    }
    refuse(
        &places_of_any(&files, &["#[allow(", "#![allow("]),
        "Fix what the lint says, or use #[expect(lint, reason = \"why\")] on the smallest item.",
    );
}

#[test]
fn only_the_command_line_prints() {
    let mut files = product_code();
    // A build script prints because that is how it speaks to cargo.
    files.retain(|file| file.top() != "app" && file.name() != "build.rs");
    refuse(
        &places_of_any(&files, &["println!", "print!", "eprintln!", "eprint!"]),
        "Log with tracing at the boundary; the command line in app/ speaks to people.",
    );
}

#[test]
fn the_domain_knows_no_floating_point() {
    let mut files = product_code();
    files.retain(|file| file.top() == "domain");
    refuse(&places_of_any(&files, &["f32", "f64"]), "Count in whole units: kuruş, credits, percent.");
}

#[test]
fn statements_name_their_columns() {
    let queries = files().into_iter().filter(|file| file.has_extension("rs") || file.has_extension("sql"));
    let violations: Vec<String> = queries
        .filter(|file| file.top() != "tests" && takes_all_columns(&without_comments(&file.text, true)))
        .map(|file| file.path)
        .collect();
    refuse(
        &violations,
        "Name the columns of SELECT and RETURNING: a new column must not change a statement.",
    );
}

/// What a statement spreads out itself with `unnest` has the columns that it was given.
fn takes_all_columns(text: &str) -> bool {
    let words = text.to_ascii_lowercase().replace('\\', " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    words.windows(2).enumerate().any(|(at, pair)| {
        let all =
            ["select", "\"select", "(select", "returning"].contains(&pair[0]) && pair[1].starts_with('*');
        let own = words.get(at + 2) == Some(&"from")
            && words.get(at + 3).is_some_and(|source| source.starts_with("unnest("));
        all && !own
    })
}

#[test]
fn stars_are_told_apart() {
    for all in ["SELECT * FROM events", "\"select *\n from a\"", "RETURNING *", "IN (SELECT * FROM b)"] {
        assert!(takes_all_columns(all), "{all}");
    }
    for named in ["SELECT count(*) FROM a", "SELECT * FROM unnest($1, $2)", "select a * b", "SELECT a FROM b"]
    {
        assert!(!takes_all_columns(named), "{named}");
    }
}
