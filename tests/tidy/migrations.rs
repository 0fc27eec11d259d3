//! Migrations are small, say why, and let the running release go on.

use super::tree::{TextFile, files, refuse};

/// What a migration's name may begin with, behind its time.
const VERBS: [&str; 10] =
    ["create", "add", "index", "grant", "revoke", "backfill", "widen", "replace", "refuse", "drop"];

fn migrations() -> Vec<TextFile> {
    files()
        .into_iter()
        .filter(|file| file.path.starts_with("migrations/") && file.name() != "README.md")
        .collect()
}

fn well_named(name: &str) -> bool {
    let Some((time, rest)) = name.strip_suffix(".sql").and_then(|name| name.split_once('_')) else {
        return false;
    };
    let (verb, noun) = rest.split_once('_').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    time.len() == 14
        && time.chars().all(|c| c.is_ascii_digit())
        && VERBS.contains(&verb)
        && !noun.is_empty()
        && noun.chars().all(plain)
}

#[test]
fn migrations_are_named_by_time_verb_and_noun() {
    let names: Vec<String> = migrations().iter().map(|file| file.name().to_owned()).collect();
    let mut violations: Vec<String> = names.iter().filter(|name| !well_named(name)).cloned().collect();
    let time = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    violations.extend(
        names
            .windows(2)
            .filter(|pair| time(&pair[0]) == time(&pair[1]))
            .map(|pair| format!("{}: its time is taken", pair[1])),
    );
    refuse(
        &violations,
        &format!("Name it YYYYMMDDhhmmss_verb_noun.sql; the verbs are {}.", VERBS.join(", ")),
    );
}

#[test]
fn migrations_begin_with_their_reason() {
    let reason =
        |text: &str| text.lines().next().is_some_and(|line| line.starts_with("-- ") && line.len() > 10);
    let violations: Vec<String> =
        migrations().into_iter().filter(|file| !reason(&file.text)).map(|file| file.path).collect();
    refuse(&violations, "The first line is a comment that says why.");
}

#[test]
fn nothing_is_dropped_that_a_running_release_may_use() {
    let violations: Vec<String> = migrations()
        .into_iter()
        .filter(|file| drops(&file.text) && !file.text.contains("-- contract:"))
        .map(|file| file.path)
        .collect();
    refuse(
        &violations,
        "Expand first; drop in a later release, with a line `-- contract: which release stopped using it`.",
    );
}

fn drops(text: &str) -> bool {
    let code: String =
        text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    let code = code.to_ascii_uppercase();
    code.split(';').any(|statement| {
        let words: Vec<&str> = statement.split_whitespace().collect();
        words.windows(2).any(|pair| pair == ["DROP", "TABLE"])
            || (words.first() == Some(&"ALTER") && words.contains(&"DROP"))
    })
}

#[test]
fn drops_are_told_from_what_only_reads_like_them() {
    assert!(drops("CREATE TABLE a ();\nDROP  TABLE b;"));
    assert!(drops("alter table a drop column b;"));
    assert!(!drops("-- DROP TABLE a\nDROP TRIGGER x ON y;\nALTER TABLE a ADD b int;"));
}
