//! Pieces of text with a meaning, and the escape codes for each.

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Bold,
    Dim,
    Well,
    Notice,
    Problem,
    /// What to type.
    Next,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub style: Style,
    pub text: String,
}

pub type Line = Vec<Span>;

pub fn plain(text: impl Into<String>) -> Span {
    styled(Style::Plain, text)
}

pub fn styled(style: Style, text: impl Into<String>) -> Span {
    // Errors come from outside: what would steer the terminal is shown as a blank.
    let text: String = text.into();
    Span { style, text: text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect() }
}

/// The line as the terminal takes it.
pub fn render(line: &[Span], colour: bool) -> String {
    let mut text = String::new();
    for span in line {
        let code = match span.style {
            Style::Plain => None,
            Style::Bold => Some("1"),
            Style::Dim => Some("2"),
            Style::Well => Some("1;32"),
            Style::Notice => Some("33"),
            Style::Problem => Some("1;31"),
            Style::Next => Some("36"),
        };
        match code.filter(|_| colour && !span.text.trim().is_empty()) {
            Some(code) => text.extend(["\x1b[", code, "m", &span.text, "\x1b[0m"]),
            None => text.push_str(&span.text),
        }
    }
    text.trim_end().to_owned()
}

/// The line, no wider than `columns`.
pub fn cut(line: Line, columns: usize) -> Line {
    let mut room = columns;
    let mut kept = Vec::new();
    for span in line {
        let width = span.text.chars().count();
        if width > room {
            let mut text: String = span.text.chars().take(room.saturating_sub(1)).collect();
            text.push('…');
            kept.push(Span { style: span.style, text });
            break;
        }
        room -= width;
        kept.push(span);
    }
    kept
}

/// Broken at blanks into lines of at most `columns`; a longer word gets a line of its own. Never empty.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let width = lines[last].chars().count();
        if width > 0 && width + 1 + word.chars().count() > columns {
            lines.push(word.to_owned());
        } else {
            if width > 0 {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}
