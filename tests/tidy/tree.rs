//! The repository's text files, without what is built, downloaded or kept by git.

use std::fs;
use std::path::{Path, PathBuf};

const NOT_OURS: [&str; 4] = ["target", ".git", ".polikrami", "demo-output"];

pub struct TextFile {
    /// From the root of the repository, with `/`.
    pub path: String,
    pub text: String,
}

impl TextFile {
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|it| it == extension)
    }

    /// The workspace member that it belongs to, or the directory at the root.
    pub fn top(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_path_buf()
}

/// In the order of their paths. Files that are not UTF-8 are no text and are left out.
pub fn files() -> Vec<TextFile> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no file below {}", root.display());
    found
}

pub fn files_with(extension: &str) -> Vec<TextFile> {
    files().into_iter().filter(|file| file.has_extension(extension)).collect()
}

fn walk(root: &Path, directory: &Path, found: &mut Vec<TextFile>) {
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if NOT_OURS.contains(&name) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push(TextFile { path, text });
        }
    }
}

/// Fails with every violation at once, and the way out.
pub fn refuse(violations: &[String], instead: &str) {
    assert!(violations.is_empty(), "\n  {}\n{instead}\n", violations.join("\n  "));
}
