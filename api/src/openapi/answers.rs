//! What any route of a kind may answer, beside what its handler says itself: said once here, not at each handler.

use super::{headers, parameters, problem, texts};
use crate::middleware::api_path;
use std::collections::btree_map::Entry;
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
            for (status, codes) in of_its_kind(path, &method, operation) {
                add(operation, status, codes);
            }
            add(operation, "default", "Anything else that went wrong");
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

/// What comes from the middleware and the extractors that such an operation has.
fn of_its_kind(path: &str, method: &HttpMethod, operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let (in_api, has_body) = (api_path(path).is_some(), operation.request_body.is_some());
    let has_parameters = operation.parameters.as_ref().is_some_and(|all| !all.is_empty());
    let takes_key = headers::takes_key(path, method, operation);
    let body = operation.request_body.as_ref();
    let has_json = body
        .is_some_and(|body| matches!(body, RefOr::T(body) if body.content.contains_key("application/json")));
    // A payment's start knows its repeats itself.
    let waits_for_first = takes_key && api_path(path) != Some("/payments/initiate");
    let by_kind = [
        ("403", true, "`cors_not_allowed`"),
        ("403", headers::repeats_token(path, method), "`csrf_token_invalid`"),
        ("400", has_json, "`validation_failed`, `unknown_field`, `malformed_json`"),
        ("400", has_parameters, "`validation_failed`, `invalid_query`"),
        ("400", takes_key, "`invalid_idempotency_key`"),
        ("401", operation.security.is_some(), "`unauthorized`"),
        ("408", has_body, "`request_timeout`"),
        ("409", parameters::waits(operation), "`position_ahead`: the journal has not come to `min_position`"),
        ("409", takes_key, "`idempotency_key_reused`"),
        ("409", waits_for_first, "`idempotency_in_progress`"),
        ("413", has_body, "`payload_too_large`"),
        ("415", has_body, "`unsupported_media_type`"),
        ("429", in_api, "`rate_limited`"),
        ("503", in_api, "`busy`, `contended`, `timeout`, `store_unavailable`: try again"),
    ];
    let all = by_kind.into_iter().filter(|(_, applies, _)| *applies);
    all.map(|(status, _, codes)| (status, codes)).collect()
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
fn add(operation: &mut Operation, status: &str, codes: &str) {
    let responses = &mut operation.responses.responses;
    match responses.entry(status.to_owned()) {
        Entry::Vacant(free) => {
            free.insert(RefOr::T(problem(codes)));
        }
        Entry::Occupied(mut taken) => {
            if let RefOr::T(response) = taken.get_mut() {
                append(&mut response.description, codes);
            }
        }
    }
}

fn append(description: &mut String, codes: &str) {
    let (names, meaning) = codes.split_once(": ").map_or((codes, None), |(names, rest)| (names, Some(rest)));
    let new: Vec<_> = names.split(", ").filter(|name| !description.contains(name)).collect();
    if !new.is_empty() {
        let meaning = meaning.map(|meaning| format!(": {meaning}")).unwrap_or_default();
        *description = format!("{description}; {}{meaning}", new.join(", "));
    }
}
