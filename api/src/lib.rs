//! The HTTP edge: requests become commands, read models become answers. Nothing is decided here.
//!
//! | module | what it is |
//! |---|---|
//! | [`router`] | every route and the order of the middleware, on one screen |
//! | [`state`], [`config`] | what handlers can ask for, each only what it names |
//! | [`error`] | the one [`Problem`], and the one place that maps refusals to it |
//! | [`extract`] | what a handler's arguments prove: body, ids, login, role |
//! | [`middleware`] | request id, problems, CORS, CSRF, headers, stored answers |
//! | [`auth`] | passwords, tokens, cookies, sessions |
//! | [`routes`] | one file per area, `router()` first |
//! | [`wait`] | read your writes |
//! | [`portrait`] | pictures of people, made small and harmless |
//! | [`limits`] | how often somebody may do something |
//! | [`idempotency`] | a repeat of a request finds the first one |
//! | [`etag`] | which version of something an answer shows |
//! | [`openapi`] | the description, made from the code |

pub mod auth;
pub mod chance;
pub mod config;
pub mod error;
pub mod etag;
pub mod extract;
pub mod idempotency;
pub mod limits;
pub mod middleware;
pub mod openapi;
pub mod pages;
pub mod portrait;
pub mod routes;
pub mod secret;
pub mod state;
pub mod timestamp;
pub mod wait;

pub use chance::Chance;
pub use config::ApiConfig;
pub use error::Problem;
pub use secret::Secret;
pub use state::AppState;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::ServiceBuilder;
use tower::util::{MapRequestLayer, MapResponseLayer};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// Every route, behind the middleware in the order in which a request passes it.
pub fn router(state: AppState) -> Router {
    let (described, openapi) = openapi::described().split_for_parts();
    let (alias, _) = routes::api().split_for_parts();
    let order = ServiceBuilder::new()
        .layer(from_fn_with_state(state.chance, middleware::request_id::assign))
        .layer(from_fn(middleware::access_log::record))
        .layer(from_fn_with_state(state.config.clone(), middleware::security_headers::add))
        .layer(MapRequestLayer::new(middleware::compression::allow_plain))
        .layer(MapResponseLayer::new(middleware::compression::weaken_tag))
        .layer(CompressionLayer::new().compress_when(middleware::compression::Compressible))
        .layer(from_fn(middleware::problems::render))
        .layer(from_fn_with_state(state.config.clone(), middleware::cors::check))
        .layer(CatchPanicLayer::custom(middleware::problems::from_panic))
        .layer(from_fn_with_state(state.config.clone(), middleware::deadlines::limit))
        .layer(from_fn_with_state(state.config.clone(), middleware::body_limit::choose))
        .layer(from_fn(extract::nul::refuse))
        .layer(from_fn_with_state(state.clone(), middleware::identify::caller))
        .layer(from_fn_with_state(state.clone(), middleware::rate_limits::count))
        .layer(from_fn_with_state(state.clone(), middleware::csrf::check))
        .layer(from_fn(middleware::conditional::answer))
        .layer(from_fn_with_state(state.clone(), middleware::stored_answers::replay));
    described
        .nest("/api", alias)
        .merge(openapi::pages(openapi))
        .fallback(middleware::problems::no_route)
        .method_not_allowed_fallback(middleware::problems::no_method)
        .layer(order)
        .with_state(state)
}
