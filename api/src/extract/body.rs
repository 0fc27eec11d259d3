//! JSON bodies. Give the body `#[serde(deny_unknown_fields)]`, so that a misspelt key is named, not dropped.

use super::keyed::Keyed;
use super::{nul, unfit};
use crate::Problem;
use crate::error::FieldError;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use std::error::Error;

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

/// A JSON body, or none at all; `null` is none.
#[derive(Debug, Clone)]
pub struct OptionalBody<T>(pub Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes(Request::from_parts(parts.clone(), body), state).await?;
        let again = Request::from_parts(parts, bytes.clone().into());
        match Json::<Keyed<T>>::from_request(again, state).await {
            Ok(Json(Keyed(body))) => Ok(Self(body)),
            Err(rejection) => Err(problem::<T>(&rejection, &bytes)),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let typed = request.headers().contains_key(header::CONTENT_TYPE);
        let bytes = bytes(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        if !typed {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"));
        }
        match Json::<Option<Keyed<T>>>::from_bytes(&bytes) {
            Ok(Json(body)) => Ok(Self(body.map(|Keyed(body)| body))),
            Err(rejection) => Err(problem::<T>(&rejection, &bytes)),
        }
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let bytes = Bytes::from_request(request, state)
        .await
        .map_err(|rejection| Problem::new(rejection.status(), status_code(rejection.status())))?;
    match nul::find(&bytes) {
        None => Ok(bytes),
        Some(field) => Err(Problem::field(field, "invalid_value")),
    }
}

fn problem<T: DeserializeOwned>(rejection: &JsonRejection, bytes: &[u8]) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(error) => unfit::complete::<T>(data_problem(&innermost(error)), bytes),
        JsonRejection::JsonSyntaxError(_) => Problem::bad_request("malformed_json"),
        other => Problem::new(other.status(), status_code(other.status())),
    }
}

fn status_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        _ => "malformed_body",
    }
}

/// The parser's own words: `shipping.city: invalid type: integer …` or `missing field …`.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        // The parser's error below has lost the path.
        if innermost.to_string().ends_with(&source.to_string()) && !source.to_string().is_empty() {
            let outer = innermost.to_string();
            if outer.len() > source.to_string().len() && !outer.starts_with("Failed") {
                return outer;
            }
        }
        innermost = source;
    }
    innermost.to_string()
}

pub(super) fn data_problem(text: &str) -> Problem {
    let (parent, message) = match text.split_once(": ") {
        Some((path, rest)) if !path.contains(' ') && !path.contains('`') => (path, rest),
        _ => ("", text),
    };
    let named = message.split('`').nth(1);
    match named {
        Some(name) if message.starts_with("unknown field") => {
            let field = within(parent, name);
            let mut problem = Problem::bad_request("unknown_field").with_member("field", field.as_str());
            problem.more.fields = vec![FieldError::new(field, "unknown_field")];
            problem
        }
        Some(name) if message.starts_with("missing field") => {
            Problem::field(within(parent, name), "required")
        }
        _ => Problem::field(parent, "invalid_value"),
    }
}

/// The path of a key inside its parent; the parser sometimes names the key itself as the parent.
fn within(parent: &str, name: &str) -> String {
    if parent.is_empty() || parent == "." || parent == name {
        name.to_owned()
    } else if parent.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')) {
        parent.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::object;
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its form matters")]
        city: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(deserialize_with = "object")]
        #[expect(dead_code, reason = "only its form matters")]
        inner: Inner,
    }

    fn refused(json: &str) -> Problem {
        problem::<Outer>(&Json::<Keyed<Outer>>::from_bytes(json.as_bytes()).unwrap_err(), json.as_bytes())
    }

    #[test]
    fn an_unknown_key_is_named() {
        let problem = refused(r#"{"inner":{"city":"Van"},"colour":1}"#);
        assert_eq!((problem.code, problem.more.members["field"].as_str()), ("unknown_field", Some("colour")));
        let problem = refused(r#"{"inner":{"city":"Van","town":1}}"#);
        assert_eq!(problem.more.fields[0].field, "inner.town");
    }

    #[test]
    fn a_missing_or_unfit_value_names_its_field() {
        let problem = refused(r#"{"inner":{}}"#);
        assert_eq!(problem.more.fields, [FieldError::new("inner.city", "required")]);
        let problem = refused(r#"{"inner":{"city":5}}"#);
        assert_eq!(problem.more.fields, [FieldError::new("inner.city", "invalid_value")]);
        assert_eq!(refused("{}").more.fields, [FieldError::new("inner", "required")]);
    }

    #[test]
    fn a_list_of_values_is_no_body() {
        assert_eq!(refused(r#"[{"city":"Van"}]"#).more.fields, [FieldError::new("", "invalid_value")]);
        assert!(Json::<Outer>::from_bytes(br#"[{"city":"Van"}]"#).is_ok(), "what is derived would take it");
        let nested = refused(r#"{"inner":["Van"]}"#);
        assert_eq!(nested.more.fields, [FieldError::new("inner", "invalid_value")]);
    }

    #[test]
    fn broken_json_is_no_validation_error() {
        assert_eq!(refused("{").code, "malformed_json");
    }

    proptest! {
        #[test]
        fn any_words_of_the_parser_become_a_400(text in "(\\PC|[`:.]){0,80}") {
            prop_assert_eq!(data_problem(&text).status, StatusCode::BAD_REQUEST);
        }

        #[test]
        fn any_key_that_is_unknown_is_named(name in "[a-zA-Z][a-zA-Z0-9_]{0,30}") {
            prop_assume!(name != "inner");
            let problem = refused(&format!(r#"{{"inner":{{"city":"Van"}},"{name}":1}}"#));
            prop_assert_eq!(problem.more.members["field"].as_str(), Some(name.as_str()));
        }

        #[test]
        fn any_bytes_are_a_body_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(rejection) = Json::<Outer>::from_bytes(&bytes) {
                prop_assert_eq!(problem::<Outer>(&rejection, &bytes).status, StatusCode::BAD_REQUEST);
            }
        }
    }
}
