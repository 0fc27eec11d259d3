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

/// Columns and rows, if a terminal is there.
pub fn size() -> Option<(usize, usize)> {
    let (width, height) = terminal_size::terminal_size()?;
    Some((width.0.into(), height.0.into()))
}

/// Whether colours can be shown and are wanted (`NO_COLOR`).
#[expect(clippy::disallowed_methods, reason = "what the terminal wants is said in its environment")]
pub fn is_coloured() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !unwanted
}

/// The whole terminal, redrawn in place; given back as it was when this is dropped.
#[derive(Debug)]
pub struct Screen(());

impl Screen {
    /// `None` where there is no terminal.
    pub fn open() -> Option<Self> {
        // The other screen, so that what was there comes back; no cursor.
        std::io::stdout().is_terminal().then(|| {
            send("\x1b[?1049h\x1b[?25l");
            Self(())
        })
    }

    /// In one write, which the terminal shows at once if it can; each line clears only what is behind it, so
    /// nothing flickers.
    pub fn show(&self, lines: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = lines.into_iter().map(|line| format!("{line}\x1b[K")).collect();
        send(&format!("\x1b[?2026h\x1b[H{}\x1b[J\x1b[?2026l", lines.join("\r\n")));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        send("\x1b[?25h\x1b[?1049l");
    }
}

/// A terminal that is gone is no error: the signal that follows ends the command.
fn send(text: &str) {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
