//! Every request has an id: the caller's, if it is a UUID, else a new one. It is answered in `X-Request-Id`.

use crate::Chance;
use crate::extract::RequestId;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: gives the request its id.
pub async fn assign(State(chance): State<Chance>, mut request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| chance.id());
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

fn given(headers: &HeaderMap) -> Option<Uuid> {
    Uuid::try_parse(headers.get(&X_REQUEST_ID)?.to_str().ok()?).ok()
}
