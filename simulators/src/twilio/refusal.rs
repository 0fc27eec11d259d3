//! How the provider says no: `{ code, message, more_info, status }`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refused request; none of them sends anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unauthorized,
    NotFound,
    /// 400, with the provider's code and words.
    BadRequest(u32, String),
    RateLimited,
    Internal,
}

impl Refusal {
    pub(crate) fn bad(code: u32, message: impl Into<String>) -> Self {
        Self::BadRequest(code, message.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, 20003, "Authenticate".to_owned()),
            Self::NotFound => {
                (StatusCode::NOT_FOUND, 20404, "The requested resource was not found".to_owned())
            }
            Self::BadRequest(code, message) => (StatusCode::BAD_REQUEST, code, message),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, 20429, "Too Many Requests".to_owned()),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, 20500, "An internal server error has occurred".to_owned())
            }
        };
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        let body =
            json!({ "code": code, "message": message, "more_info": more_info, "status": status.as_u16() });
        (status, Json(body)).into_response()
    }
}
