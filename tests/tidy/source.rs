//! Rust source without what rules about code must not see: comments, texts, and tests.

use super::tree::{TextFile, files_with};
use std::collections::BTreeSet;

#[derive(PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

/// Blanks out comments, and texts as well unless `keep_texts`; line numbers stay.
pub fn without_comments(source: &str, keep_texts: bool) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, kind) = token(rest);
        let (token, tail) = rest.split_at(length.max(first.len_utf8()));
        if kind == Kind::Code || (kind == Kind::Text && keep_texts) {
            out.push_str(token);
        } else {
            out.extend(token.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = tail;
    }
    out
}

/// How long the next token is, and what. Names are one token, so that `r` in `for` opens no text.
fn token(rest: &str) -> (usize, Kind) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Kind::Comment);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), Kind::Comment);
    }
    if let Some(length) = raw_text(rest) {
        return (length, Kind::Text);
    }
    if rest.starts_with('"') || rest.starts_with("b\"") || rest.starts_with("c\"") {
        return (quoted(rest, '"'), Kind::Text);
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (name, Kind::Code)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn raw_text(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inner = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest.len() - inner.len() + inner.find(&end)? + end.len())
}

/// Up to the closing quote, past what a backslash escapes.
fn quoted(rest: &str, quote: char) -> usize {
    let start = rest.find(quote).map_or(0, |at| at + quote.len_utf8());
    let mut escaped = false;
    for (at, c) in rest[start..].char_indices() {
        if c == quote && !escaped {
            return start + at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// A letter in quotes is a text; a quote before a name is a lifetime.
fn character(rest: &str) -> (usize, Kind) {
    let mut inner = rest[1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), _) => (quoted(rest, '\''), Kind::Text),
        (Some(letter), Some('\'')) => (2 + letter.len_utf8(), Kind::Text),
        _ => (1, Kind::Code),
    }
}

/// Blanks out every item under `#[cfg(test)]`; takes source without comments and texts.
fn without_test_items(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, item) = rest.split_at(at);
        out.push_str(before);
        let (item, tail) = item.split_at(item_length(item));
        out.extend(item.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// To the `;` of a declaration, or to the brace that closes the item's body.
fn item_length(item: &str) -> usize {
    let (mut braces, mut brackets) = (0, 0);
    for (at, c) in item.char_indices() {
        match c {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        if brackets == 0 && braces == 0 && (c == ';' || c == '}') {
            return at + 1;
        }
    }
    item.len()
}

/// Files that only tests and builds see: in tests/, examples/, benches/, or declared under `#[cfg(test)]`.
fn test_places(files: &[TextFile]) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    for file in files {
        let mut waiting = None;
        for line in without_comments(&file.text, true).lines().map(str::trim) {
            if line == "#[cfg(test)]" {
                waiting = Some(None);
            } else if let (Some(_), Some(path)) = (&waiting, line.strip_prefix("#[path = \"")) {
                waiting = Some(Some(path.trim_end_matches("\"]").to_owned()));
            } else if let (Some(path), Some(module)) = (waiting.take(), declared(line)) {
                places.extend(module_files(&file.path, module, path));
            }
        }
    }
    places
}

fn declared(line: &str) -> Option<&str> {
    let (_, module) = line.split_once("mod ")?;
    module.strip_suffix(';')
}

fn module_files(parent: &str, module: &str, path: Option<String>) -> Vec<String> {
    let (directory, file) = parent.rsplit_once('/').unwrap_or(("", parent));
    if let Some(path) = path {
        return vec![format!("{directory}/{path}")];
    }
    let directory = match file {
        "mod.rs" | "lib.rs" | "main.rs" => directory.to_owned(),
        _ => parent.trim_end_matches(".rs").to_owned(),
    };
    vec![format!("{directory}/{module}.rs"), format!("{directory}/{module}/")]
}

/// Rust files that go into the product, as code alone.
pub fn product_code() -> Vec<TextFile> {
    let files = files_with("rs");
    let tests = test_places(&files);
    let is_test = |path: &str| {
        path.split('/').any(|part| ["tests", "examples", "benches"].contains(&part))
            || tests
                .iter()
                .any(|place| path == place || (place.ends_with('/') && path.starts_with(place.as_str())))
    };
    files
        .into_iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| TextFile { text: without_test_items(&without_comments(&file.text, false)), ..file })
        .collect()
}

#[test]
fn comments_and_texts_are_not_code() {
    let source = "let a = \"x.unwrap() // \\\" no\"; // y.unwrap()\nlet b = r#\"\"z\"\"#; /* /* */ todo!() */ c('\"', &'a d)";
    let code = without_comments(source, false);
    assert!(!code.contains("unwrap") && !code.contains("todo") && !code.contains('z'), "{code}");
    assert!(code.contains("let a =") && code.contains("let b =") && code.contains("&'a d"), "{code}");
    assert_eq!(code.lines().count(), source.lines().count());
    let with_texts = without_comments(source, true);
    assert!(with_texts.contains("x.unwrap()") && !with_texts.contains("y.unwrap()"), "{with_texts}");
    assert_eq!(without_comments("// \"a\"", true).trim(), "", "a text inside a comment is a comment");
}

#[test]
fn items_under_cfg_test_are_not_product_code() {
    let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { c[1].unwrap(); }\n}\n#[cfg(test)]\nmod d;\nfn e() {}";
    let left = without_test_items(code);
    assert!(left.contains("fn a()") && left.contains("fn e()") && !left.contains("unwrap"), "{left}");
    assert!(!left.contains("mod d"), "{left}");
}

#[test]
fn test_modules_are_found_where_their_declaration_says() {
    assert_eq!(module_files("a/src/lib.rs", "laws", None), ["a/src/laws.rs", "a/src/laws/"]);
    assert_eq!(module_files("a/src/event.rs", "tests", None), ["a/src/event/tests.rs", "a/src/event/tests/"]);
    assert_eq!(module_files("a/src/x.rs", "tests", Some("x_tests.rs".into())), ["a/src/x_tests.rs"]);
}
