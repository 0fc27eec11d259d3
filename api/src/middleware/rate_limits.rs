//! The limits that hold for every route; narrower ones are taken by handlers.

use super::api_path;
use crate::extract::{Authenticated, Client};
use crate::limits::{Limiter, Limits, Rule, Seen};
use crate::{ApiConfig, Problem};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Middleware: counts the request, and tells in the answer what is left. Probes and pictures are not counted.
pub async fn count(
    State(limiter): State<Limiter>,
    State(config): State<Arc<ApiConfig>>,
    mut request: Request,
    next: Next,
) -> Response {
    let whole = request.uri().path();
    // The form behind a mailed link looks tokens up as the API does.
    let page = (whole == "/verify-email").then_some("/auth/verify-email");
    let Some(path) = api_path(whole).or(page) else { return next.run(request).await };
    let seen = Seen::default();
    let client = Client::of(request.headers(), request.extensions(), config.trusted_proxies);
    let limits = Limits::new(limiter, client, seen.clone());
    let address = client.subject();
    let caller = request.extensions().get::<Authenticated>();
    let caller = caller.map_or_else(|| address.clone(), |caller| caller.account.to_string());
    let auth = path.starts_with("/auth/").then_some((limits.rules().auth, address.as_str()));
    let rules = [Some((limits.rules().api, caller.as_str())), auth];
    let refused = refused(&limits, rules.into_iter().flatten()).await;
    request.extensions_mut().insert(seen.clone());
    let mut response = match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    // What everybody may keep says nothing about one caller.
    if !is_shared(response.headers()) {
        seen.write(response.headers_mut());
    }
    response
}

fn is_shared(headers: &HeaderMap) -> bool {
    let caching = headers.get(header::CACHE_CONTROL).map(HeaderValue::as_bytes);
    caching.is_some_and(|caching| caching.starts_with(b"public"))
}

async fn refused(limits: &Limits, rules: impl Iterator<Item = (Rule, &str)>) -> Option<Problem> {
    for (rule, subject) in rules {
        if let Err(problem) = limits.take(rule, subject).await {
            return Some(problem);
        }
    }
    None
}
