//! The description of the API, made from the handlers; served as `/openapi.json` and as a page at `/docs`.

mod answers;
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
            Unsafe requests that carry cookies need the header `X-CSRF-Token`. Answers to commands carry \
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
        assert_eq!(register["409"]["description"], "`email_in_use`", "the handler's own words stay");
        let health = &document["paths"]["/health"]["get"]["responses"];
        assert!(health["default"].is_object() && health["429"].is_null() && health["413"].is_null());
        assert!(document["components"]["schemas"]["Problem"].is_object());
        assert!(document["paths"]["/api/v1/orders/{id}"]["get"]["responses"]["304"].is_object());
        assert!(document["paths"]["/api/v1/invoices/{number}/pdf"]["get"]["responses"]["304"].is_null());
        assert!(document["paths"]["/api/v1/orders/{id}/cancel"]["post"]["responses"]["412"].is_object());
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
