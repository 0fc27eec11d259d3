//! Answers that no working server gives: connections that die in the wrong place.

use std::io;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use futures::stream;

use crate::running::Peer;

/// Long enough for the part before the break to leave the socket.
const FLUSH_PAUSE: Duration = Duration::from_millis(60);
const DRIP_PAUSE: Duration = Duration::from_millis(20);
/// So that a dripped body ends in about a second, whatever its size.
const DRIPS: usize = 50;

/// Holds the connection, then closes it without a byte of an answer.
pub(crate) async fn hang_up(peer: &Peer, hold: Duration) -> Response {
    tokio::time::sleep(hold).await;
    peer.cut();
    StatusCode::NO_CONTENT.into_response()
}

/// What a gateway in front of a provider says; not the provider's own error format.
pub(crate) fn bad_gateway() -> Response {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway\
                </h1></center><hr></body></html>";
    (StatusCode::BAD_GATEWAY, Html(page)).into_response()
}

/// Whatever could not be written down was not done.
pub(crate) fn unwritable(error: &io::Error) -> Response {
    tracing::error!(%error, "simulator could not write its state");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// The whole headers with `content-length`, then `keep` parts of a hundred of the body, then a break.
pub(crate) async fn broken_after(response: Response, keep: usize) -> Response {
    let (mut parts, body) = whole(response).await;
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let kept = body.slice(..body.len() * keep / 100);
    let steps = stream::unfold(Some(kept), |kept| async move {
        let kept = kept?;
        if kept.is_empty() {
            tokio::time::sleep(FLUSH_PAUSE).await;
            return Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None));
        }
        Some((Ok(kept), Some(Bytes::new())))
    });
    Response::from_parts(parts, Body::from_stream(steps))
}

/// A complete, valid HTTP answer whose content ends early.
pub(crate) async fn truncated(response: Response) -> Response {
    let (parts, body) = whole(response).await;
    let half = body.slice(..body.len() / 2);
    Response::from_parts(parts, Body::from(half))
}

/// The right bytes, very slowly.
pub(crate) async fn dripping(response: Response) -> Response {
    let (parts, body) = whole(response).await;
    let drop = body.len() / DRIPS + 1;
    let drips = stream::unfold(body, move |mut body| async move {
        if body.is_empty() {
            return None;
        }
        tokio::time::sleep(DRIP_PAUSE).await;
        let next = body.split_to(drop.min(body.len()));
        Some((Ok::<_, io::Error>(next), body))
    });
    Response::from_parts(parts, Body::from_stream(drips))
}

/// The right bytes under a wrong name.
pub(crate) fn mislabelled(mut response: Response) -> Response {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

async fn whole(response: Response) -> (axum::http::response::Parts, Bytes) {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    // The bodies are our own and in memory: there is nothing that could fail while reading them.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (parts, bytes)
}
