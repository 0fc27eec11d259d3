//! The one kind of error answer: RFC 9457 problem details, with the old `message` and `errors` keys beside them.
//!
//! A [`Problem`] carries a stable code; [`catalogue`] gives its text in the reader's language, and
//! [`mapping`] is the one place that turns refusals of the domain and the journal into problems.
//! [`crate::middleware::problems`] writes the body, since only it knows language and request id.

pub mod body;
pub mod catalogue;
pub mod fields;
pub mod mapping;

pub use body::ProblemBody;
pub use fields::{FieldError, Fields};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use std::error::Error;
use std::sync::Arc;

/// When a database that is away is worth another try, in seconds.
const AWAY_RETRY_AFTER_S: u32 = 1;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable; part of the contract. Its texts are in the [`catalogue`].
    pub code: &'static str,
    pub more: Box<More>,
}

/// What few problems have; boxed, so that a `Result` with a problem stays small.
#[derive(Clone, Debug, Default)]
pub struct More {
    /// In place of the catalogue's text; never with anything internal.
    pub detail: Option<String>,
    pub fields: Vec<FieldError>,
    /// Further members, such as `need`.
    pub members: Map<String, Value>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Logged with the request id, never shown.
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code, more: Box::default() }
    }

    pub fn bad_request(code: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code)
    }

    /// Nobody is logged in, or not any more.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized").with_header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// Logged in, but not with the right role.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden")
    }

    /// Also for what belongs to somebody else.
    pub fn not_found(code: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code)
    }

    pub fn conflict(code: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code)
    }

    /// The fields that do not fit; see [`Fields`] for how to collect them.
    pub fn validation(fields: Vec<FieldError>) -> Self {
        let mut problem = Self::bad_request("validation_failed");
        problem.more.fields = fields;
        problem
    }

    /// One field that does not fit.
    pub fn field(field: impl Into<String>, code: &'static str) -> Self {
        Self::validation(vec![FieldError::new(field, code)])
    }

    /// Try again after so many seconds.
    pub fn unavailable(code: &'static str, retry_after_s: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code).with_retry_after(retry_after_s)
    }

    /// Our fault; the error is logged, the caller learns nothing but the request id. When the database is behind it and is
    /// only away for a moment, it is 503 `store_unavailable`.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        if may_pass(&*error) {
            return Self::store_unavailable(error);
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").with_source(error)
    }

    /// The database is away for a moment.
    pub fn store_unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::unavailable("store_unavailable", AWAY_RETRY_AFTER_S).with_source(error)
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.more.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.members.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.more.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.more.headers.push((header::RETRY_AFTER, seconds.into()));
        self
    }

    #[must_use]
    pub fn with_source(mut self, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.more.source = Some(Arc::from(error.into()));
        self
    }
}

/// Is the database behind it, and may it be back in a moment?
fn may_pass(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<sqlx::Error>().is_some_and(journal::may_pass) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Status, headers, and the problem itself as an extension; the middleware writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        for (name, value) in &self.more.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}
