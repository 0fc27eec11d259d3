//! What any route of a kind may answer, beside what its handler says itself: said once here, not at each handler.

use super::{parameters, problem, texts};
use crate::middleware::{api_path, csrf};
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
            for (status, description) in of_its_kind(path, &method, operation) {
                add(operation, status, &description);
            }
            add(operation, "default", "Anything else that went wrong");
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
fn of_its_kind(path: &str, method: &HttpMethod, operation: &Operation) -> Vec<(&'static str, String)> {
    let (in_api, has_body) = (api_path(path).is_some(), operation.request_body.is_some());
    let has_parameters = operation.parameters.as_ref().is_some_and(|all| !all.is_empty());
    let has_token = in_api && *method != HttpMethod::Get && !csrf::exempt(path);
    let forbidden = if has_token { "`cors_not_allowed`, `csrf_token_invalid`" } else { "`cors_not_allowed`" };
    let of_all = [("403", true, forbidden)];
    let by_kind = [
        ("400", has_body || has_parameters, "`validation_failed`, `malformed_json`, `invalid_query`"),
        ("401", operation.security.is_some(), "`unauthorized`"),
        ("408", has_body, "`request_timeout`"),
        ("409", parameters::waits(operation), "`position_ahead`: the journal has not come to `min_position`"),
        ("413", has_body, "`payload_too_large`"),
        ("415", has_body, "`unsupported_media_type`"),
        ("429", in_api, "`rate_limited`; `Retry-After` says when to come back"),
        ("503", in_api, "`busy`, `contended`, `timeout`: try again"),
    ];
    let all = of_all.into_iter().chain(by_kind).filter(|(_, applies, _)| *applies);
    all.map(|(status, _, description)| (status, description.to_owned())).collect()
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

fn add(operation: &mut Operation, status: &str, description: &str) {
    let responses = &mut operation.responses.responses;
    responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(description)));
}
