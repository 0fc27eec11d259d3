//! Where settings come from: the environment, and a file if one is named. The environment wins.

use super::schema::Problem;
use std::collections::BTreeMap;
use std::path::Path;

/// Every setting may be given under this prefix, too, where its bare name already means something on a machine.
pub const PREFIX: &str = "POLIKRAMI_";
/// Names the file; not a setting itself.
pub const FILE: &str = "POLIKRAMI_CONFIG";
/// Names that look closer than this are suggested.
const SIMILAR: f64 = 0.8;

/// All variables that were given. An empty one counts as not given.
#[derive(Debug, Clone, Default)]
pub struct Source(BTreeMap<String, String>);

/// Never shows what stands in the file: it may be half a secret.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file {file} that POLIKRAMI_CONFIG or --config names cannot be read")]
    Read {
        file: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "line {line} of {file} is not of the form NAME=value; values with blanks go between single quotes"
    )]
    Line { file: String, line: usize },
}

impl Source {
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(pairs.filter(|(_, value): &(_, String)| !value.is_empty()).collect())
    }

    /// The environment, over what stands in the file.
    #[expect(clippy::disallowed_methods, reason = "the only place of the service that reads the environment")]
    pub fn environment(file: Option<&Path>) -> Result<Self, FileError> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let environment = Self::of(environment);
        let named = file.map(Path::to_path_buf).or_else(|| environment.0.get(FILE).map(Into::into));
        let mut all = named.map(|file| Self::file(&file)).transpose()?.unwrap_or_default();
        for name in environment.0.keys() {
            let bare = name.strip_prefix(PREFIX).unwrap_or(name);
            for alias in [bare.to_owned(), format!("{PREFIX}{bare}")] {
                all.0.remove(&alias);
            }
        }
        all.0.extend(environment.0);
        Ok(all)
    }

    /// Line by line, so that an error can be placed; a value of several lines is none of ours.
    fn file(file: &Path) -> Result<Self, FileError> {
        let name = || file.display().to_string();
        let text =
            std::fs::read_to_string(file).map_err(|source| FileError::Read { file: name(), source })?;
        let mut pairs = Vec::new();
        for (index, line) in text.lines().enumerate() {
            for pair in dotenvy::Iter::new(line.as_bytes()) {
                pairs.push(pair.map_err(|_| FileError::Line { file: name(), line: index + 1 })?);
            }
        }
        Ok(Self::of(pairs))
    }

    /// The prefixed name first: whoever wrote it meant us.
    pub fn get(&self, name: &str) -> Option<&str> {
        let prefixed = self.0.get(&format!("{PREFIX}{name}"));
        prefixed.or_else(|| self.0.get(name)).map(String::as_str)
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.0.remove(name);
        self.0.extend((!value.is_empty()).then(|| (name.to_owned(), value)));
        self
    }

    /// Names that claim to be ours and are not: a slip of the pen that would be believed in silence.
    pub fn strangers(&self, known: &[&'static str]) -> Vec<Problem> {
        let is_known = |name: &str| {
            name == FILE
                || known.contains(&name)
                || known.iter().any(|known| name.strip_prefix(PREFIX) == Some(known))
        };
        let ours = self.0.keys().filter(|name| name.starts_with(PREFIX) && !is_known(name));
        ours.map(|name| Problem { name: name.clone(), wrong: unknown(name, known), example: String::new() })
            .collect()
    }
}

impl Source {
    /// Names of the service that this one replaces, whose meaning would be lost in silence: a mail server would be talked
    /// to unprotected, a folder be a new one.
    pub fn superseded(&self) -> Vec<Problem> {
        let given = SUPERSEDED.iter().filter(|(name, _)| self.get(name).is_some());
        given
            .map(|(name, instead)| Problem {
                name: (*name).to_owned(),
                wrong: format!("is not read any more; remove it, and set {instead}"),
                example: String::new(),
            })
            .collect()
    }
}

/// Old names, and what says the same now.
const SUPERSEDED: [(&str, &str); 10] = [
    ("SMTP_SECURE", TLS),
    ("SMTP_REQUIRE_TLS", TLS),
    ("SMTP_IGNORE_TLS", TLS),
    ("SMTP_TLS_INSECURE", TLS),
    ("SMTP_TLS_MIN_VERSION", TLS),
    ("SMTP_USERNAME", "SMTP_USER"),
    ("SMTP_PASSWORD", "SMTP_PASS"),
    ("CORS_ORIGIN", "ALLOWED_ORIGINS"),
    ("UPLOAD_DIR", "UPLOAD_PUBLIC_DIR"),
    ("STORAGE_DIR", "UPLOAD_PUBLIC_DIR"),
];
const TLS: &str = "SMTP_SECURITY to `tls` (port 465), `starttls` (port 587) or `plain-loopback`; certificates are always checked";

fn unknown(name: &str, known: &[&'static str]) -> String {
    let bare = name.strip_prefix(PREFIX).unwrap_or(name);
    let nearness = |known: &str| strsim::jaro_winkler(bare, known.strip_prefix(PREFIX).unwrap_or(known));
    let nearest =
        known.iter().map(|known| (nearness(known), known)).max_by(|one, other| one.0.total_cmp(&other.0));
    match nearest {
        Some((nearness, known)) if nearness > SIMILAR => format!("is not a setting; did you mean {known}?"),
        _ => "is not a setting; `polikrami config print` lists all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefixed_name_wins_and_nothing_counts_as_not_given() {
        let source = Source::of([("PORT", "1"), ("POLIKRAMI_PORT", "2"), ("HOST", "")]);
        assert_eq!((source.get("PORT"), source.get("HOST")), (Some("2"), None));
    }

    #[test]
    fn a_slip_of_the_pen_is_named_with_what_was_meant() {
        let source = Source::of([
            ("POLIKRAMI_PROT", "1"),
            ("POLIKRAMI_PORT", "2"),
            ("POLIKRAMI_ENV", "x"),
            ("PROT", "3"),
        ]);
        let problems = source.strangers(&["PORT", "POLIKRAMI_ENV"]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].to_string(), "POLIKRAMI_PROT is not a setting; did you mean PORT?");
    }
}
