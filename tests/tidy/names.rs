//! Names that say nothing about what is inside.

use super::source::without_comments;
use super::tree::{files_with, refuse};

const SAYS_NOTHING: [&str; 11] = [
    "util", "utils", "helper", "helpers", "common", "misc", "type", "types", "manager", "service", "services",
];

/// `order_helpers` is no better than `helpers`.
fn says_nothing(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    SAYS_NOTHING.contains(&name) || ["util", "utils", "helper", "helpers", "manager"].contains(&last)
}

#[test]
fn files_are_named_after_what_is_in_them() {
    let violations: Vec<String> = files_with("rs")
        .into_iter()
        .filter(|file| file.path.trim_end_matches(".rs").split('/').any(says_nothing))
        .map(|file| file.path)
        .collect();
    refuse(
        &violations,
        "Name the file after the thing that it is about; put a lone function where it is used.",
    );
}

#[test]
fn modules_are_named_after_what_is_in_them() {
    let mut violations = Vec::new();
    for file in files_with("rs") {
        let code = without_comments(&file.text, false);
        let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let modules = words.windows(2).filter(|pair| pair[0] == "mod" && says_nothing(pair[1]));
        violations.extend(modules.map(|pair| format!("{}: mod {}", file.path, pair[1])));
    }
    refuse(&violations, "Name the module after the thing that it is about.");
}
