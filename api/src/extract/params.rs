//! Queries, and the two parameters that every list has.

use super::body::{data_problem, innermost};
use crate::Problem;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The query; 400 when it does not fit. Unknown parameters are left alone.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(problem(&rejection)),
        }
    }
}

/// Names the parameter, where the parser knows it.
fn problem(rejection: &QueryRejection) -> Problem {
    let problem = data_problem(&innermost(rejection));
    let named = problem.more.fields.iter().any(|field| !field.field.is_empty());
    if named { problem } else { Problem::bad_request("invalid_query") }
}

/// `page` from 1, `limit` up to the list's cap.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// From 1
    #[serde(default = "first")]
    #[param(minimum = 1, maximum = 10000)]
    pub page: u32,
    /// Rows of a page; the list's default when absent
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}

fn first() -> u32 {
    1
}

/// Highest page that is looked up, so that an offset cannot grow without bound.
const PAGE_MAX: u32 = 10_000;

impl PageParams {
    /// (limit, offset) for SQL; 400 outside the bounds.
    pub fn bounds(self, limit_default: u32, limit_max: u32) -> Result<(i64, i64), Problem> {
        let limit = self.limit.unwrap_or(limit_default);
        if limit == 0 || limit > limit_max {
            return Err(Problem::field("limit", "limit_out_of_range"));
        }
        if self.page == 0 || self.page > PAGE_MAX {
            return Err(Problem::field("page", "page_out_of_range"));
        }
        Ok((i64::from(limit), i64::from(self.page - 1) * i64::from(limit)))
    }

    /// What the answer says about the page; `limit` as [`PageParams::bounds`] gave it.
    pub fn pagination(self, limit: i64, total: i64) -> Pagination {
        let total_pages = if limit > 0 { (total + limit - 1) / limit } else { 0 };
        Pagination { page: self.page, limit, total, total_pages }
    }
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub page: u32,
    pub limit: i64,
    pub total: i64,
    pub total_pages: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_page_is_inside_its_bounds_or_refused(page in any::<u32>(), limit in any::<Option<u32>>(), max in 1_u32..500) {
            let bounds = PageParams { page, limit }.bounds(max.min(20), max);
            let fits = (1..=PAGE_MAX).contains(&page) && limit.is_none_or(|limit| (1..=max).contains(&limit));
            prop_assert_eq!(bounds.is_ok(), fits);
            if let Ok((limit, offset)) = bounds {
                prop_assert!(limit >= 1 && offset >= 0 && offset % limit == 0);
            }
        }
    }
}
