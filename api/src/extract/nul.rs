//! The character that no text of the database can hold. Found at the door, it is the caller's mistake and not ours.

use crate::Problem;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// As JSON has to write it.
const ESCAPED: &[u8] = b"\\u0000";

/// Middleware: refuses it in paths and queries.
pub async fn refuse(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().contains("%00")) {
        return Problem::bad_request("invalid_characters").into_response();
    }
    next.run(request).await
}

/// Where it stands in a JSON body, as a dotted path.
pub fn find(json: &[u8]) -> Option<String> {
    // Hardly ever: only then is the body read a second time, since the backslash may itself be escaped.
    if !json.windows(ESCAPED.len()).any(|window| window == ESCAPED) {
        return None;
    }
    within(&serde_json::from_slice(json).ok()?)
}

fn within(value: &Value) -> Option<String> {
    let joined =
        |name: &str, rest: String| if rest.is_empty() { name.to_owned() } else { format!("{name}.{rest}") };
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| Some(joined(&at.to_string(), within(item)?)))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.contains('\0') { Some(String::new()) } else { Some(joined(name, within(member)?)) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_wherever_it_stands_and_nowhere_else() {
        let found = |json: &str| find(json.as_bytes());
        assert_eq!(found(r#"{"a":{"b":["x","y\u0000"]}}"#), Some("a.b.1".into()));
        assert_eq!(found(r#"{"a\u0000":1}"#), Some(String::new()));
        assert_eq!(found(r#"{"a":"\\u0000"}"#), None);
        assert_eq!(found(r#"{"a":"\u0001"}"#), None);
        assert_eq!(found(r#"{"a":"\u0000"#), None, "broken JSON is refused as such");
    }
}
