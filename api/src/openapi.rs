//! The description of the API, made from the handlers; served as `/openapi.json` and as a page at `/docs`.

use crate::error::ProblemBody;
use crate::{AppState, routes};
use axum::{Json, Router, routing::get};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

const DOCUMENT_PATH: &str = "/openapi.json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Polikrami Cover",
        description = "Shop for printed covers. Every route exists under `/api/v1` and, as an alias, `/api`. \
            Unsafe requests that carry cookies need the header `X-CSRF-Token`. Answers to commands carry \
            `X-Journal-Position`; give it to a query as `min_position` to read your own writes."
    ),
    components(schemas(ProblemBody)),
    modifiers(&Security)
)]
struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::auth::cookies::ACCESS));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

/// All described routes, under their first mount and at the root.
pub fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .nest("/api/v1", routes::api())
        .merge(routes::root::router())
}

/// The finished document, also for `docs/openapi.json`.
pub fn document() -> OpenApi {
    let (_, openapi) = described().split_for_parts();
    with_problems(openapi)
}

/// `/openapi.json` and `/docs`.
pub fn pages(openapi: OpenApi) -> Router<AppState> {
    let document = with_problems(openapi);
    let page = SwaggerUi::new("/docs").config(Config::new([DOCUMENT_PATH]));
    Router::from(page).route(DOCUMENT_PATH, get(move || std::future::ready(Json(document.clone()))))
}

/// Every error of every operation is a problem document: said once here, not at each handler.
fn with_problems(mut openapi: OpenApi) -> OpenApi {
    for item in openapi.paths.paths.values_mut() {
        for operation in operations(item) {
            describe_problems(operation);
        }
    }
    openapi
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch]
        .into_iter()
        .filter_map(Option::as_mut)
}

fn describe_problems(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let (true, RefOr::T(response)) = (status.starts_with(['4', '5']), response)
            && response.content.is_empty()
        {
            *response = problem(&response.description);
        }
    }
    responses
        .entry("default".to_owned())
        .or_insert_with(|| RefOr::T(problem("Anything else that went wrong")));
}

fn problem(description: &str) -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_describes_its_errors_as_problems() {
        let document = serde_json::to_value(document()).unwrap();
        let register = &document["paths"]["/api/v1/auth/register"]["post"]["responses"];
        let content = &register["409"]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(content, "#/components/schemas/Problem");
        assert!(document["paths"]["/health"]["get"]["responses"]["default"].is_object());
        assert!(document["components"]["schemas"]["Problem"].is_object());
    }
}
