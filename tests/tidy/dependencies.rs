//! Which crate may know which, and where versions stand.

use super::tree::{refuse, root};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What a crate may know of the others; simulators may also serve any crate's tests.
const MAY_KNOW: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("journal", &["domain"]),
    ("projections", &["domain", "journal"]),
    ("sagas", &["domain", "journal"]),
    ("api", &["domain", "journal", "projections"]),
    ("simulators", &["domain"]),
    ("app", &["domain", "journal", "projections", "sagas", "api", "simulators"]),
    ("tests", &["domain", "journal", "projections", "sagas", "api", "simulators", "app"]),
];

/// What would let a crate do what is not its business.
const NEVER: [(&str, &[&str]); 6] = [
    (
        "domain",
        &[
            "tokio",
            "futures",
            "sqlx",
            "postgres-es",
            "axum",
            "reqwest",
            "async-nats",
            "lettre",
            "rand",
            "tracing",
            "clap",
            "object_store",
        ],
    ),
    ("journal", &["axum", "reqwest", "lettre", "clap"]),
    ("projections", &["axum", "reqwest", "lettre", "clap"]),
    ("sagas", &["axum", "utoipa", "argon2", "jsonwebtoken", "clap"]),
    ("api", &["reqwest", "lettre", "clap"]),
    ("simulators", &["sqlx", "postgres-es", "cqrs-es", "async-nats", "clap"]),
];

fn metadata() -> Metadata {
    let manifest = root().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo describes the workspace")
}

fn known<'a>(package: &'a Package, kinds: &'a [DependencyKind]) -> impl Iterator<Item = &'a str> {
    package.dependencies.iter().filter(|it| kinds.contains(&it.kind)).map(|it| it.name.as_str())
}

const PRODUCT: [DependencyKind; 2] = [DependencyKind::Normal, DependencyKind::Build];
const ALL: [DependencyKind; 3] = [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Development];

#[test]
fn every_crate_has_its_place_in_the_direction() {
    let mut crates: Vec<String> =
        metadata().packages.iter().map(|package| package.name.to_string()).collect();
    let mut places: Vec<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    crates.sort();
    places.sort_unstable();
    assert_eq!(crates, places, "a new crate gets its line in MAY_KNOW, and a decision in docs/decisions/");
}

#[test]
fn crates_know_only_what_lies_before_them() {
    let metadata = metadata();
    let is_ours = |name: &str| MAY_KNOW.iter().any(|(ours, _)| *ours == name);
    let mut violations = Vec::new();
    for package in &metadata.packages {
        let allowed =
            MAY_KNOW.iter().find(|(name, _)| package.name.as_str() == *name).map_or(&[][..], |it| it.1);
        let foreign = known(package, &PRODUCT).filter(|name| is_ours(name) && !allowed.contains(name));
        violations.extend(foreign.map(|name| format!("{}/Cargo.toml: {name}", package.name)));
        let in_tests = known(package, &[DependencyKind::Development])
            .filter(|name| is_ours(name) && !allowed.contains(name) && *name != "simulators");
        violations.extend(in_tests.map(|name| format!("{}/Cargo.toml: {name} (for tests)", package.name)));
    }
    refuse(&violations, "Move the code to the crate that may know both, or hand the value in from app/.");
}

#[test]
fn crates_stay_out_of_what_is_not_their_business() {
    let metadata = metadata();
    let mut violations = Vec::new();
    for (name, never) in NEVER {
        let package = metadata.packages.iter().find(|package| package.name.as_str() == name);
        // Tests of the domain are as pure as the domain; other crates' tests may start servers.
        let kinds = if name == "domain" { &ALL[..] } else { &PRODUCT[..] };
        let found = package.into_iter().flat_map(|it| known(it, kinds)).filter(|it| never.contains(it));
        violations.extend(found.map(|it| format!("{name}/Cargo.toml: {it}")));
    }
    refuse(&violations, "See the direction in docs/architecture.md: I/O, HTTP and mail have one crate each.");
}

#[test]
fn versions_stand_in_the_workspace_table_alone() {
    let mut violations = Vec::new();
    for (name, _) in MAY_KNOW {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let mut section = "";
        for line in manifest.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
            } else if section.ends_with("dependencies")
                && line.contains('=')
                && !line.starts_with('#')
                && !(line.contains(".workspace = true") || line.contains("{ workspace = true"))
            {
                violations.push(format!("{name}/Cargo.toml: {line}"));
            } else if section.contains("dependencies.") {
                violations.push(format!("{name}/Cargo.toml: [{section}]"));
            }
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            violations.push(format!("{name}/Cargo.toml: no `[lints] workspace = true`"));
        }
    }
    violations.dedup();
    refuse(&violations, "Write `name.workspace = true` here, and the version into [workspace.dependencies].");
}
