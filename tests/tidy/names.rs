//! Names that say nothing about what is inside, and names that stand for two things.

use super::source::without_comments;
use super::tree::{files_with, refuse};
use std::collections::BTreeMap;

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

/// The description has one schema for each name: of two types, one takes the place of the other without a word.
#[test]
fn no_two_schemas_of_the_description_have_one_name() {
    let mut places = BTreeMap::<String, Vec<String>>::new();
    for file in files_with("rs").into_iter().filter(|file| file.path.starts_with("api/src/")) {
        for name in schemas(&without_comments(&file.text, false)) {
            places.entry(name).or_default().push(file.path.clone());
        }
    }
    assert!(places.len() > 50, "schemas are no longer found: {places:?}");
    let doubles = places.into_iter().filter(|(_, files)| files.len() > 1);
    let violations: Vec<String> =
        doubles.map(|(name, files)| format!("{name}: {}", files.join(", "))).collect();
    refuse(&violations, "Give one of the types a name of its own.");
}

/// The types that derive `ToSchema`: each is named after the next `struct` or `enum`.
fn schemas(code: &str) -> Vec<String> {
    let derived = code.split("#[derive(").filter(|rest| {
        rest.split(")]").next().is_some_and(|traits| traits.split(", ").any(|name| name == "ToSchema"))
    });
    let named = derived.filter_map(|rest| {
        let mut words =
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        words.find(|word| ["struct", "enum"].contains(word))?;
        words.next().map(str::to_owned)
    });
    named.collect()
}

#[test]
fn schemas_are_found_where_they_are_derived() {
    let code = "use x::ToSchema;\n#[derive(Debug, ToSchema)]\n#[serde(untagged)]\npub(super) struct A<'a> {}\n\
                #[derive(ToSchema, Default)]\nenum B { C }";
    assert_eq!(schemas(code), ["A", "B"]);
}
