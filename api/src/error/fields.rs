//! Which fields do not fit, collected so that a form can mark them all at once.

use crate::Problem;

/// One thing wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Dotted path of the key as sent, such as `shipping.city`; empty for the body as a whole.
    pub field: String,
    pub code: &'static str,
    /// What the catalogue's text puts in place of `{}`.
    pub value: Option<String>,
}

impl FieldError {
    pub fn new(field: impl Into<String>, code: &'static str) -> Self {
        Self { field: field.into(), code, value: None }
    }

    /// RFC 6901: `shipping.city` → `/shipping/city`.
    pub fn pointer(&self) -> String {
        let escaped = self.field.replace('~', "~0").replace('/', "~1");
        let parts = escaped.split(['.', '[', ']']).filter(|part| !part.is_empty());
        parts.fold(String::new(), |pointer, part| pointer + "/" + part)
    }
}

/// Collects what is wrong; [`Fields::finish`] answers 400 if anything is.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn refuse(&mut self, field: impl Into<String>, code: &'static str) {
        self.0.push(FieldError::new(field, code));
    }

    pub fn refuse_value(&mut self, field: impl Into<String>, code: &'static str, value: usize) {
        self.0.push(FieldError { field: field.into(), code, value: Some(value.to_string()) });
    }

    /// Refuses the field unless the condition holds.
    pub fn require(&mut self, holds: bool, field: impl Into<String>, code: &'static str) {
        if !holds {
            self.refuse(field, code);
        }
    }

    /// Counts characters, not bytes.
    pub fn length(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let length = text.chars().count();
        if length < min {
            self.refuse_value(field, "too_short", min);
        } else if length > max {
            self.refuse_value(field, "too_long", max);
        }
    }

    /// Takes a parsed value, or notes the field.
    pub fn take<T, E>(&mut self, parsed: Result<T, E>, field: &str, code: &'static str) -> Option<T> {
        if parsed.is_err() {
            self.refuse(field, code);
        }
        parsed.ok()
    }

    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::validation(self.0)) }
    }
}
