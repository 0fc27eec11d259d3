//! Headers that mean the same on every route: who may send them, and which answers have them. Said once.

use crate::middleware::{api_path, csrf, stored_answers};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Header, RefOr, Required, Response, Schema};

/// What the caller may send.
pub(super) fn asked(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let mut more = Vec::new();
    if repeats_token(path, method) {
        let text = "What the cookie `csrf` says. Needed by browsers: only a Bearer header without cookies of ours, and \
            login and registration of a client that has no cookie yet, go without";
        more.push(header("X-CSRF-Token", text, ObjectBuilder::new()));
    }
    if takes_key(path, method, operation) {
        let text = "Names this request, so that a repeat within 24 hours gets the first answer";
        let form = ObjectBuilder::new().pattern(Some("^[!-~][ -~]{0,254}$"));
        more.push(header("Idempotency-Key", text, form));
    }
    if operation.responses.responses.contains_key("412") {
        let text = "The `ETag` of what the caller has seen: if it is another by now, nothing is done";
        more.push(header("If-Match", text, ObjectBuilder::new()));
    }
    if !more.is_empty() {
        operation.parameters.get_or_insert_default().extend(more.into_iter().map(RefOr::T));
    }
}

/// Does an unsafe request have to repeat the token?
pub(super) fn repeats_token(path: &str, method: &HttpMethod) -> bool {
    api_path(path).is_some() && *method != HttpMethod::Get && !csrf::exempt(path)
}

/// Does a key make a repeat of it one with the first?
pub(super) fn takes_key(path: &str, method: &HttpMethod, operation: &Operation) -> bool {
    // A payment's start knows its repeats itself.
    let start = *method == HttpMethod::Post && api_path(path) == Some("/payments/initiate");
    start || answer_is_kept(path, method, operation)
}

/// Does the repeat get the first one's answer, or wait for it?
pub(super) fn answer_is_kept(path: &str, method: &HttpMethod, operation: &Operation) -> bool {
    let Some(path) = api_path(path).filter(|_| *method == HttpMethod::Post) else { return false };
    let has_owner = operation.security.is_some() || path == stored_answers::REGISTER;
    stored_answers::keeps(path) && has_owner && !takes_body(operation, "multipart/form-data")
}

pub(super) fn takes_body(operation: &Operation, content_type: &str) -> bool {
    let body = operation.request_body.as_ref();
    body.is_some_and(|body| matches!(body, RefOr::T(body) if body.content.contains_key(content_type)))
}

/// What an answer tells beside its body.
pub(super) fn answered(path: &str, method: &HttpMethod, operation: &mut Operation) {
    if api_path(path).is_none() {
        return;
    }
    let reads = *method == HttpMethod::Get;
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        match status.as_str() {
            "200" | "201" | "202" | "204" if !reads => {
                let text = "Where the journal has got to; `min_position` of a query that shall see it. Absent where \
                    nothing was decided";
                tell(response, "X-Journal-Position", text, Type::Integer);
            }
            "200" if response.content.contains_key("application/json") => {
                tell(
                    response,
                    "ETag",
                    "Names this version, for `If-None-Match` and `If-Match`",
                    Type::String,
                );
            }
            "412" => tell(response, "ETag", "Names the present version", Type::String),
            "429" | "503" => tell(response, "Retry-After", "Seconds", Type::Integer),
            _ => {}
        }
        if matches!(status.as_str(), "200" | "201" | "429") {
            let text =
                "The tightest limit that was met: what is left, and the seconds until it is whole again";
            tell(response, "RateLimit", text, Type::String);
        }
    }
}

fn header(name: &str, text: &str, form: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(Schema::Object(form.schema_type(Type::String).build())))
        .build()
}

fn tell(response: &mut Response, name: &str, text: &str, kind: Type) {
    let schema = Schema::Object(ObjectBuilder::new().schema_type(kind).build());
    let header: Header = HeaderBuilder::new().description(Some(text)).schema(Some(schema)).build();
    response.headers.entry(name.to_owned()).or_insert_with(|| header.into());
}
