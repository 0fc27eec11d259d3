//! How the provider says no: `{ id, name, errors[] }`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::world;

/// A refused request; none of them costs credits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A field, the content type or `accept` is wrong.
    BadRequest(Vec<String>),
    Unauthorized,
    /// The balance is too low.
    PaymentRequired,
    /// The text was flagged. The provider has been seen to leave out `id` here.
    Moderated {
        with_id: bool,
    },
    NotFound,
    TooLarge,
    /// Another language than English.
    Unprocessable,
    RateLimited,
    Internal,
}

impl Refusal {
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::BadRequest(vec![text.into()])
    }

    fn parts(&self) -> (StatusCode, &'static str, Vec<String>) {
        let one = |text: &str| vec![text.to_owned()];
        match self {
            Self::BadRequest(errors) => (StatusCode::BAD_REQUEST, "bad_request", errors.clone()),
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "unauthorized", one("missing or invalid api key"))
            }
            Self::PaymentRequired => {
                let text = "You lack sufficient credits to make this request.";
                (StatusCode::PAYMENT_REQUIRED, "payment_required", one(text))
            }
            Self::Moderated { .. } => {
                let text = "Your request was flagged by our content moderation system.";
                (StatusCode::FORBIDDEN, "content_moderation", one(text))
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", one("the resource does not exist")),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", one("body cannot be larger than 10 MiB"))
            }
            Self::Unprocessable => {
                let text = "prompt: only English is supported";
                (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", one(text))
            }
            Self::RateLimited => {
                let text = "You have exceeded the rate limit of 150 requests within a 10 second period, \
                            and have been timed out for 60 seconds.";
                (StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", one(text))
            }
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                one("An unexpected server error has occurred, please try again later."),
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, name, errors) = self.parts();
        let id = world::new_uuid().simple().to_string();
        let body = match self {
            Self::Moderated { with_id: false } => json!({ "name": name, "errors": errors }),
            _ => json!({ "id": id, "name": name, "errors": errors }),
        };
        let mut response = (status, Json(body)).into_response();
        if let Ok(value) = id.parse() {
            response.headers_mut().insert("x-request-id", value);
        }
        response
    }
}
