//! Public pictures: renditions that may be shown to anybody, named so that their content never changes.

use crate::state::PublicFiles;
use crate::{AppState, Problem};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use object_store::path::Path as Key;
use object_store::{GetResult, ObjectStoreExt};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(upload))
}

/// A public picture.
#[utoipa::path(get, path = "/uploads/{*key}", tag = "files",
    params(("key" = String, Path, description = "Key of the picture, with slashes")),
    responses((status = 200, description = "The picture"), (status = 404, description = "`file_not_found`"))
)]
async fn upload(
    State(PublicFiles(files)): State<PublicFiles>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = public_key(&key).ok_or_else(|| Problem::not_found("file_not_found"))?;
    let file = files.get(&key).await.map_err(missing)?;
    let tag = file.meta.e_tag.as_deref().and_then(|tag| HeaderValue::from_str(tag).ok());
    let mut response = if tag.is_some() && headers.get(header::IF_NONE_MATCH) == tag.as_ref() {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        streamed(file)
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, FOR_EVER);
    answer.insert("cross-origin-resource-policy", CROSS_ORIGIN);
    if let Some(tag) = tag {
        answer.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// No hidden files, and nothing above the store.
fn public_key(key: &str) -> Option<Key> {
    let hidden = key.split('/').any(|part| part.is_empty() || part.starts_with('.'));
    if hidden { None } else { Key::parse(key).ok() }
}

fn missing(error: object_store::Error) -> Problem {
    match error {
        object_store::Error::NotFound { .. } => Problem::not_found("file_not_found"),
        other => Problem::internal(other),
    }
}

fn streamed(file: GetResult) -> Response {
    let kind = content_type(file.meta.location.as_ref());
    let length = file.meta.size;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_LENGTH, length.into())];
    (headers, Body::from_stream(file.into_stream())).into_response()
}

/// Only kinds that a browser cannot run; everything else is offered as a download.
fn content_type(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, extension)| extension) {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_and_ways_upwards_do_not_exist() {
        assert!(public_key("ai/1/preview.webp").is_some());
        for key in ["../secret", "a/../b", ".env", "a//b", "a/.git/x", ""] {
            assert!(public_key(key).is_none(), "{key}");
        }
    }
}
