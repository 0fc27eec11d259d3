//! The one place that writes to the terminal of a person.

use std::io::{IsTerminal, Write};

/// A line for the person at the terminal.
#[expect(clippy::print_stdout, reason = "the command line talks to a person here, and only here")]
pub fn line(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
    // A closed pipe (`polikrami … | head`) is not worth a panic or an error.
    std::io::stdout().flush().ok();
}

/// A line that is not part of the answer: progress and warnings.
#[expect(clippy::print_stderr, reason = "the command line talks to a person here, and only here")]
pub fn note(text: impl AsRef<str>) {
    eprintln!("{}", text.as_ref());
}

/// Whether a person sees the notes as they come.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A note that is written over by the next one on a terminal, and a line of its own elsewhere.
#[expect(clippy::print_stderr, reason = "the command line talks to a person here, and only here")]
pub fn note_over(text: &str) {
    if is_watched() {
        eprint!("\r\x1b[2K{text}");
    } else {
        eprintln!("{text}");
    }
    std::io::stderr().flush().ok();
}

/// Ends what [`note_over`] has written.
#[expect(clippy::print_stderr, reason = "the command line talks to a person here, and only here")]
pub fn note_end() {
    if is_watched() {
        eprintln!();
    }
}

/// `text` in bold where the terminal can show it.
pub fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}
