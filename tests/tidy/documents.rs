//! What the documents point at is there.

use super::tree::{TextFile, files, refuse, root};
use std::path::{Component, Path};

fn documents() -> Vec<TextFile> {
    let documented =
        |path: &str| path == "README.md" || path == "migrations/README.md" || path.starts_with("docs/");
    files().into_iter().filter(|file| file.has_extension("md") && documented(&file.path)).collect()
}

/// Paragraphs without fenced blocks: those show what is typed or sent, not where things are.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push(line);
        }
    }
    prose.join("\n")
}

/// The targets of `[text](target)`, without those on other hosts.
fn links(prose: &str) -> Vec<&str> {
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|it| !it.contains("://") && !it.starts_with('#') && !it.starts_with("mailto:")).collect()
}

/// Names in `code` that can only be files: with a known ending, and without a placeholder.
fn file_names(prose: &str) -> Vec<&str> {
    const ENDINGS: [&str; 9] = ["rs", "sql", "toml", "md", "json", "sh", "txt", "html", "pdf"];
    let quoted = prose.split('`').skip(1).step_by(2);
    quoted
        .filter(|it| it.contains('/') || Path::new(it).extension().is_some_and(|ending| ending == "rs"))
        .filter(|it| {
            it.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) && !it.starts_with('/')
        })
        .filter(|it| {
            Path::new(it).extension().and_then(|it| it.to_str()).is_some_and(|it| ENDINGS.contains(&it))
        })
        .collect()
}

/// `target` as seen from the directory of `document`, with `..` resolved.
fn resolved(document: &str, target: &str) -> String {
    let directory = Path::new(document).parent().unwrap_or(Path::new(""));
    let mut parts: Vec<String> = Vec::new();
    for part in directory.join(target).components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
        }
    }
    parts.join("/")
}

#[test]
fn links_lead_somewhere() {
    let mut violations = Vec::new();
    for document in documents() {
        for link in links(&prose(&document.text)) {
            let target = link.split('#').next().unwrap_or(link);
            if !root().join(resolved(&document.path, target)).exists() {
                violations.push(format!("{}: {link}", document.path));
            }
        }
    }
    refuse(&violations, "Mend the link, or write what it promises.");
}

#[test]
fn files_that_are_named_exist() {
    let known: Vec<String> = files().into_iter().map(|file| format!("/{}", file.path)).collect();
    let mut violations = Vec::new();
    for document in documents() {
        for name in file_names(&prose(&document.text)) {
            let end = format!("/{}", name.trim_start_matches("./"));
            let there = known.iter().any(|path| path.ends_with(&end))
                || root().join(name).exists()
                || root().join(resolved(&document.path, name)).exists();
            if !there {
                violations.push(format!("{}: `{name}`", document.path));
            }
        }
    }
    refuse(&violations, "Name the file by its path from the root, or write <name> where any name can stand.");
}

#[test]
fn links_and_names_are_told_from_other_text() {
    let text = "See [a](b/c.md#d), [e](https://f.g) and `src/h.rs`, `i/<j>.rs`, `k.l()`.\n```\n[m](n) `o/p.rs`\n```\n";
    let prose = prose(text);
    assert_eq!(links(&prose), ["b/c.md#d"]);
    assert_eq!(file_names(&prose), ["src/h.rs"]);
    assert_eq!(resolved("docs/decisions/x.md", "../api.md"), "docs/api.md");
}
