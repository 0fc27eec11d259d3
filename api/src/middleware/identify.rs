//! Who calls, found out once for all that comes behind.

use crate::auth::AccessTokens;
use crate::extract::named;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use journal::Clock;
use tracing::field::display;

/// Middleware: a request with a valid access token carries [`crate::extract::Authenticated`] from here on.
pub async fn caller(
    State(tokens): State<AccessTokens>,
    State(clock): State<Clock>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(caller) = named(request.headers(), &tokens, clock.now()) {
        tracing::Span::current().record("account.id", display(caller.account));
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}
