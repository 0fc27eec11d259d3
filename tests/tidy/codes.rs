//! Codes of errors: each that the service can answer has words in both languages. A missing line would fall back to the
//! words of its status, and nobody would notice.

use super::source::without_comments;
use super::tree::{TextFile, files_with, refuse};
use std::collections::BTreeSet;

const CATALOGUE: &str = "api/src/error/catalogue.rs";
const PAGE: &str = "docs/errors.md";
/// What makes a problem: the code is the first text behind it.
const MAKERS: [&str; 6] =
    ["bad_request(", "conflict(", "not_found(", "unavailable(", "Problem::new(", ".refusal("];

/// The part of a file that goes into the product, with its texts.
fn product(file: &TextFile) -> String {
    let code = without_comments(&file.text, true);
    code.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The texts of a piece of code that look like codes.
fn codes(code: &str) -> impl Iterator<Item = &str> {
    code.split('"').skip(1).step_by(2).filter(|text| is_code(text))
}

/// The codes of the problems that are made here.
fn made(code: &str) -> Vec<&str> {
    let calls = MAKERS.iter().flat_map(|maker| code.split(maker).skip(1));
    calls.filter_map(|call| codes(call.split([')', ';']).next()?).next()).collect()
}

/// The codes that the descriptions of answers name, such as "`order_not_found`".
fn described(code: &str) -> Vec<&str> {
    let texts = code.split("description = \"").skip(1).filter_map(|rest| rest.split('"').next());
    let quoted = texts.flat_map(|text| text.split('`').skip(1).step_by(2));
    quoted.filter(|word| is_code(word) && word.contains('_')).collect()
}

/// The codes of refusals: what `fn code` answers.
fn refusals(code: &str) -> Vec<&str> {
    let bodies = code.split("pub fn code(&self) -> &'static str {").skip(1);
    bodies.flat_map(|body| codes(body.split("\n    }").next().unwrap_or_default())).collect()
}

#[test]
fn every_code_has_words() {
    let sources = files_with("rs");
    let catalogue = sources.iter().find(|file| file.path == CATALOGUE).map(product).unwrap();
    let known: BTreeSet<&str> = codes(&catalogue).collect();
    let (mut seen, mut violations) = (0, BTreeSet::new());
    for file in &sources {
        let code = product(file);
        let found = match file.top() {
            "api" if file.path.contains("/routes/") => [made(&code), described(&code)].concat(),
            "api" => made(&code),
            "domain" => refusals(&code),
            _ => continue,
        };
        seen += found.len();
        let unknown = found.into_iter().filter(|code| !known.contains(code));
        violations.extend(unknown.map(|code| format!("{}: {code}", file.path)));
    }
    assert!(seen > 200, "codes are no longer found: {seen}");
    let violations: Vec<String> = violations.into_iter().collect();
    refuse(&violations, "Give the code a line in api/src/error/catalogue.rs, in Turkish and in English.");
}

/// The lines of the catalogue: code, Turkish, English.
fn lines(catalogue: &str) -> Vec<[&str; 3]> {
    let lines = catalogue.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.strip_suffix("\"),"));
    let parts = lines.filter_map(|line| <[&str; 3]>::try_from(line.split("\", \"").collect::<Vec<_>>()).ok());
    parts.filter(|[code, ..]| is_code(code)).collect()
}

#[test]
fn the_page_of_errors_says_what_the_catalogue_says() {
    let catalogue =
        files_with("rs").into_iter().find(|file| file.path == CATALOGUE).map(|file| file.text).unwrap();
    let page = files_with("md").into_iter().find(|file| file.path == PAGE).map(|file| file.text).unwrap();
    let expected: Vec<String> = lines(&catalogue)
        .into_iter()
        .map(|[code, turkish, english]| format!("| `{code}` | {english} | {turkish} |"))
        .collect();
    assert!(expected.len() > 100, "the catalogue's lines are no longer found: {}", expected.len());
    let said: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let missing =
        expected.iter().filter(|line| !said.contains(line.as_str())).map(|line| format!("add {line}"));
    let strange = said.iter().filter(|line| !expected.iter().any(|one| one == *line));
    let violations: Vec<String> = missing.chain(strange.map(|line| format!("remove {line}"))).collect();
    refuse(&violations, "Make docs/errors.md say what api/src/error/catalogue.rs says.");
}

#[test]
fn codes_are_found_where_they_are_made() {
    let code = r#"Problem::conflict("a_b"); Problem::new(StatusCode::GONE, "c"); x.conflict(y); fail("d");"#;
    assert_eq!(made(code), ["a_b", "c"]);
    assert_eq!(described(r#"(status = 404, description = "`e_f`, `g`: no `H`")"#), ["e_f"]);
    assert_eq!(
        refusals("pub fn code(&self) -> &'static str {\n match self { A => \"h\" }\n    }\n \"i\""),
        ["h"]
    );
}
