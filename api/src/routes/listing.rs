//! Lists that answered a bare array still do; totals are in `X-Total-Count`, and `?envelope=page` asks for the
//! shape of new lists: `{items, pagination}`.

use crate::extract::{PageParams, Pagination};
use axum::Json;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use projections::{Listed, Slice};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EnvelopeParam {
    /// `page`: `{items, pagination}` in place of the bare array
    #[param(value_type = Option<String>, example = "page", pattern = "^page$")]
    envelope: Option<Envelope>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Envelope {
    Page,
}

/// How an old list answers: bare, or as a page where that was asked for.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes what `Page::answer` makes")]
pub enum ListOrPage<T> {
    List(Vec<T>),
    Page(Page<T>),
}

/// A page of a new list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub pagination: Pagination,
}

impl<T> Page<T> {
    pub fn of<R>(listed: Listed<R>, page: PageParams, slice: Slice, view: impl Fn(R) -> T) -> Self {
        let pagination = page.pagination(slice.limit, listed.total);
        Self { items: listed.items.into_iter().map(view).collect(), pagination }
    }
}

impl<T: Serialize> Page<T> {
    /// The bare array with its total, unless the caller asks for the page.
    pub fn answer(self, envelope: EnvelopeParam) -> Response {
        let total = HeaderValue::from(self.pagination.total);
        let mut response = match envelope.envelope {
            Some(Envelope::Page) => Json(self).into_response(),
            None => Json(self.items).into_response(),
        };
        response.headers_mut().insert(X_TOTAL_COUNT, total);
        response
    }
}
