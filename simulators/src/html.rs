//! Filling the pages: one pass over a template, so a value can never bring in a placeholder.

use std::borrow::Cow;

/// What stands for a `{{name}}`.
pub(crate) enum Slot<'a> {
    /// Escaped.
    Text(Cow<'a, str>),
    /// HTML that was made here.
    Html(String),
}

pub(crate) fn text<'a>(value: impl Into<Cow<'a, str>>) -> Slot<'a> {
    Slot::Text(value.into())
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Replaces every `{{name}}`; an unknown name becomes nothing.
pub(crate) fn render(template: &str, slots: &[(&str, Slot<'_>)]) -> String {
    let mut page = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else {
            rest = after;
            break;
        };
        match slots.iter().find(|(known, _)| *known == name) {
            Some((_, Slot::Text(value))) => page.push_str(&escape(value)),
            Some((_, Slot::Html(value))) => page.push_str(value),
            None => {}
        }
        rest = behind;
    }
    page.push_str(rest);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_never_read_as_templates() {
        let page = render("<p>{{a}}</p>{{b}}", &[("a", text("<i>{{b}}&")), ("b", Slot::Html("<hr>".into()))]);
        assert_eq!(page, "<p>&lt;i&gt;{{b}}&amp;</p><hr>");
    }
}
