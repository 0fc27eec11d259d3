//! The description of the API, made from the handlers; served as `/openapi.json` and as a page at `/docs`.

mod answers;
mod headers;
mod parameters;
mod texts;

use crate::error::ProblemBody;
use crate::{AppState, routes};
use axum::{Json, Router, routing::get};
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
            Unsafe requests need the header `X-CSRF-Token`, unless they carry `Authorization: Bearer` and none of our \
            cookies; `docs/api.md` names the few exceptions. Answers to commands carry \
            `X-Journal-Position`; give it to a query as `min_position` to read your own writes. A repeat under the \
            same `Idempotency-Key` gets the first answer; changes may carry `If-Match`."
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
    answers::complete(openapi)
}

/// `/openapi.json` and `/docs`.
pub fn pages(openapi: OpenApi) -> Router<AppState> {
    let document = answers::complete(openapi);
    let page = SwaggerUi::new("/docs").config(Config::new([DOCUMENT_PATH]));
    Router::from(page).route(DOCUMENT_PATH, get(move || std::future::ready(Json(document.clone()))))
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
        for status in ["400", "403", "409", "413", "415", "429", "503", "default"] {
            let content = &register[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(content, "#/components/schemas/Problem", "{status}");
        }
        let conflict = register["409"]["description"].as_str().unwrap();
        assert!(conflict.starts_with("`email_in_use`"), "the handler's own words come first: {conflict}");
        assert!(conflict.ends_with("; `idempotency_key_reused`; `idempotency_in_progress`"), "{conflict}");
        let health = &document["paths"]["/health"]["get"]["responses"];
        assert!(health["default"].is_object() && health["429"].is_null() && health["413"].is_null());
        assert!(document["components"]["schemas"]["Problem"].is_object());
        assert!(document["paths"]["/api/v1/orders/{id}"]["get"]["responses"]["304"].is_object());
        assert!(document["paths"]["/api/v1/invoices/{number}/pdf"]["get"]["responses"]["304"].is_null());
        assert!(document["paths"]["/api/v1/orders/{id}/cancel"]["post"]["responses"]["412"].is_object());
    }

    #[test]
    fn headers_that_many_routes_know_are_described_at_each() {
        let document = serde_json::to_value(document()).unwrap();
        let operation = |method: &str, path: &str| document["paths"][path][method].clone();
        let sent = |method: &str, path: &str| {
            let operation = operation(method, path);
            let all = operation["parameters"].as_array().cloned().unwrap_or_default();
            let headers = all.iter().filter(|one| one["in"] == "header");
            headers.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (token, key, version) = ("X-CSRF-Token", "Idempotency-Key", "If-Match");
        assert_eq!(sent("post", "/api/v1/auth/register"), [token, key]);
        assert_eq!(sent("post", "/api/v1/auth/login"), [token]);
        assert!(sent("post", "/api/v1/auth/refresh").is_empty());
        assert_eq!(sent("post", "/api/v1/drafts"), [token, key]);
        assert_eq!(sent("put", "/api/v1/addresses/{id}"), [token, version]);
        assert_eq!(sent("post", "/api/v1/orders/{id}/cancel"), [token, key, version]);
        assert_eq!(sent("post", "/api/v1/users/me/avatar"), [token]);
        assert!(sent("get", "/api/v1/orders").is_empty());
        let told = |method: &str, path: &str, status: &str, name: &str| {
            operation(method, path)["responses"][status]["headers"][name].is_object()
        };
        assert!(told("get", "/api/v1/addresses", "200", "ETag"));
        assert!(told("put", "/api/v1/addresses/{id}", "412", "ETag"));
        assert!(told("post", "/api/v1/drafts", "201", "X-Journal-Position"));
        assert!(told("post", "/api/v1/auth/login", "429", "Retry-After"));
    }

    #[test]
    fn free_texts_have_no_nul_and_others_keep_their_form() {
        let document = serde_json::to_value(document()).unwrap();
        let pattern = |schema: &str, property: &str| {
            document["components"]["schemas"][schema]["properties"][property]["pattern"].clone()
        };
        assert_eq!(pattern("GenerateBody", "negativePrompt"), r"^[^\u0000]*$");
        assert_eq!(pattern("VerifyPhoneBody", "code"), "^[0-9]{4}$");
        assert!(pattern("SelectBody", "imageId").is_null(), "an id has its format");
    }

    #[test]
    fn bodies_name_every_key_that_they_take() {
        let document = serde_json::to_value(document()).unwrap();
        let mut open = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                let content = &operation["requestBody"]["content"]["application/json"]["schema"];
                let name = content["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
                let schema = name.map_or(content, |name| &document["components"]["schemas"][name]);
                // What providers send may have keys that we do not know.
                let closed = schema.is_null()
                    || schema["additionalProperties"] == false
                    || schema["oneOf"].is_array()
                    || path.contains("/payments/callback")
                    || path.contains("/webhooks/");
                if !closed {
                    open.push(path.clone());
                }
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}
