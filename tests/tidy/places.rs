//! The repository builds anywhere: it names no machine's directories and no registry's hosts.

use super::tree::{files, refuse};

/// Written in pieces, so that this file obeys its own rule.
const MACHINE_PATHS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
const REGISTRY_HOSTS: [&str; 7] = [
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("crates", ".io-index"),
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
];
const NAMES_ITS_REGISTRIES: [&str; 2] = ["Cargo.lock", "deny.toml"];

/// A directory at the root of a machine, not a part of an address or of a longer path.
fn names_machine(line: &str, path: &str) -> bool {
    let goes_before = |c: char| c.is_alphanumeric() || "_-.~}>*".contains(c);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(goes_before))
}

fn places(found: impl Fn(&str) -> bool, skip: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for file in files().into_iter().filter(|file| !skip.contains(&file.path.as_str())) {
        let lines = file.text.lines().enumerate().filter(|(_, line)| found(line));
        places.extend(lines.map(|(at, line)| format!("{}:{}: {}", file.path, at + 1, line.trim())));
    }
    places
}

#[test]
fn no_file_names_a_directory_of_one_machine() {
    let found = |line: &str| MACHINE_PATHS.iter().any(|path| names_machine(line, path));
    refuse(&places(found, &[]), "Take the path from the configuration, the repository's root or $HOME.");
}

#[test]
fn no_file_names_the_host_of_a_registry() {
    let found = |line: &str| REGISTRY_HOSTS.iter().any(|host| line.contains(host));
    refuse(
        &places(found, &NAMES_ITS_REGISTRIES),
        "Go through cargo, pip or npm: mirrors and proxies are theirs to configure.",
    );
}

#[test]
fn machine_paths_are_told_from_addresses() {
    let [home, ..] = MACHINE_PATHS;
    for named in [format!("{home}x"), format!("cd \"{home}x\""), format!("A={home}"), format!("`{home}`")] {
        assert!(names_machine(&named, home), "{named}");
    }
    for other in [format!("https://shop.test{home}x"), format!("${{BASE}}{home}"), format!("a{home}b")] {
        assert!(!names_machine(&other, home), "{other}");
    }
}
