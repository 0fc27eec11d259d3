//! What any route of a kind may answer, beside what its handler says itself: said once here, not at each handler.

use super::{headers, parameters, problem, texts};
use crate::middleware::api_path;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr, Response, ResponseBuilder};

/// Describes every error of every operation, as a problem document.
pub(super) fn complete(mut openapi: OpenApi) -> OpenApi {
    parameters::without_stars(&mut openapi);
    texts::complete(&mut openapi);
    for (path, item) in &mut openapi.paths.paths {
        for (method, operation) in operations(item) {
            parameters::complete(operation);
            say_as_problems(operation);
            for codes in of_its_kind(path, &method, operation) {
                add(operation, codes);
            }
            headers::asked(path, &method, operation);
            headers::answered(path, &method, operation);
        }
        if let Some(read) = item.get.as_mut().filter(|_| api_path(path).is_some()) {
            say_when_not_modified(read);
        }
    }
    openapi
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
        (HttpMethod::Patch, &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Codes that such an operation may answer with a status, and what is to be said of them.
type Codes = (&'static str, &'static [&'static str], &'static str);

/// What comes from the middleware and the extractors that such an operation has.
fn of_its_kind(path: &str, method: &HttpMethod, operation: &Operation) -> Vec<Codes> {
    let (in_api, has_body) = (api_path(path).is_some(), operation.request_body.is_some());
    let has_parameters = operation.parameters.as_ref().is_some_and(|all| !all.is_empty());
    let has_json = headers::takes_body(operation, "application/json");
    let takes_key = headers::takes_key(path, method, operation);
    let is_kept = headers::answer_is_kept(path, method, operation);
    let behind = ": the journal has not come to `min_position`";
    let by_kind: [(bool, Codes); 15] = [
        (true, ("403", &["cors_not_allowed"], "")),
        (headers::repeats_token(path, method), ("403", &["csrf_token_invalid"], "")),
        (has_json, ("400", &["validation_failed", "unknown_field", "malformed_json"], "")),
        (has_parameters, ("400", &["validation_failed", "invalid_query"], "")),
        (takes_key, ("400", &["invalid_idempotency_key"], "")),
        (operation.security.is_some(), ("401", &["unauthorized"], "")),
        (has_body, ("408", &["request_timeout"], "")),
        (parameters::waits(operation), ("409", &["position_ahead"], behind)),
        (takes_key, ("409", &["idempotency_key_reused"], "")),
        (is_kept, ("409", &["idempotency_in_progress"], "")),
        (has_body, ("413", &["payload_too_large"], "")),
        (has_body, ("415", &["unsupported_media_type"], "")),
        (in_api, ("429", &["rate_limited"], "")),
        (in_api, ("503", &["busy", "contended", "timeout", "store_unavailable"], ": try again")),
        (true, ("default", &[], "Anything else that went wrong")),
    ];
    by_kind.into_iter().filter(|(applies, _)| *applies).map(|(_, codes)| codes).collect()
}

/// A handler names the codes; that an error is a problem goes without saying.
fn say_as_problems(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with(['4', '5']), response)
            && response.content.is_empty()
        {
            *response = problem(&response.description);
        }
    }
}

/// What carries a tag can be asked for again with it.
fn say_when_not_modified(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let answers_json = |response: &RefOr<Response>| match response {
        RefOr::T(response) => response.content.contains_key("application/json"),
        RefOr::Ref(_) => false,
    };
    if responses.get("200").is_some_and(answers_json) {
        let text = "As it was when its `ETag` was sent, which is now in `If-None-Match`";
        let response = ResponseBuilder::new().description(text).build();
        responses.entry("304".to_owned()).or_insert_with(|| RefOr::T(response));
    }
}

/// Says it beside what the handler itself says, unless that has it already.
fn add(operation: &mut Operation, (status, codes, meaning): Codes) {
    let responses = &mut operation.responses.responses;
    let response = responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem("")));
    let RefOr::T(Response { description: said, .. }) = response else { return };
    let codes = codes.iter().map(|code| format!("`{code}`"));
    let new: Vec<_> = codes.filter(|code| !said.contains(code)).collect();
    if new.is_empty() && !said.is_empty() {
        return;
    }
    let and = if said.is_empty() { "" } else { "; " };
    *said = format!("{said}{and}{}{meaning}", new.join(", "));
}
