//! Settings as text: what there is to set, and what is set.

use super::schema::{Default, Setting};
use super::{GROUPS, Source};
use std::fmt::Write;

const WIDTH: usize = 110;

/// `.env.example`: all settings, those with a default commented out.
pub fn example() -> String {
    let mut text = String::from(
        "# Settings of Polikrami Cover. Each may also be given as POLIKRAMI_<NAME>, which wins.\n\
         # Name the file in POLIKRAMI_CONFIG, or as `polikrami serve --config FILE`; the environment wins over it.\n\
         # Put values with blanks, `$`, `#` or quotes between single quotes. Made by `polikrami config example`.\n",
    );
    for group in GROUPS {
        let _ = write!(text, "\n# == {} ==\n", group.title);
        for setting in group.settings {
            text.push('\n');
            wrapped(&mut text, &words(setting));
            let line = match setting.default {
                _ if setting.secret && setting.example.starts_with('<') => {
                    format!("{}{}=", unset(setting), setting.name)
                }
                Default::Is(value) => format!("# {}={}", setting.name, quoted(value)),
                Default::Absent => format!("# {}={}", setting.name, quoted(setting.example)),
                Default::Required => format!("{}={}", setting.name, quoted(setting.example)),
            };
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// As a file of settings needs it: blanks end a value, and `$` names another.
fn quoted(value: &str) -> String {
    let plain =
        value.chars().all(|character| character.is_ascii_alphanumeric() || "-._~:/@,".contains(character));
    if plain { value.to_owned() } else { format!("'{value}'") }
}

fn unset(setting: &Setting) -> &'static str {
    if setting.default == Default::Required { "" } else { "# " }
}

/// Description, and whether the service starts without it.
fn words(setting: &Setting) -> String {
    let need = if setting.default == Default::Required { " Required." } else { "" };
    format!("{}{need}", setting.what.trim())
}

fn wrapped(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

/// What is used, and where it comes from; secrets as `***`.
pub fn used(source: &Source) -> String {
    let mut text = String::new();
    for group in GROUPS {
        let _ = writeln!(text, "# {}", group.title);
        for setting in group.settings {
            let (value, origin) = match (source.get(setting.name), setting.default) {
                (Some(_), _) if setting.secret => ("***", ""),
                (Some(value), _) => (value, ""),
                (None, Default::Is(value)) => (value, "  # default"),
                (None, Default::Absent) => ("", "  # not set"),
                (None, Default::Required) => ("", "  # MISSING"),
            };
            let _ = writeln!(text, "{}={value}{origin}", setting.name);
        }
    }
    text
}
