//! `/users/me/avatar`: a person's picture. The file is public, under a name that nobody can guess and that never comes again.

use crate::extract::Authenticated;
use crate::portrait::{self, Portraits};
use crate::routes::held::held;
use crate::state::{AppState, PublicFiles};
use crate::{Chance, Problem};
use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRef, FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use domain::AccountId;
use journal::Clock;
use journal::tables::avatars;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use utoipa::ToSchema;

/// The file, and the form around it.
pub(super) const BODY_BYTES_MAX: usize = portrait::BYTES_MAX + 64 * 1024;

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its form matters")]
pub(super) struct AvatarForm {
    /// PNG, JPEG or WebP, at most 5 MiB and 25 million pixels
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AvatarView {
    #[schema(example = "/uploads/avatars/0a1b.jpg")]
    avatar_url: String,
}

/// What is asked of the table and the store.
#[derive(Clone)]
pub(super) struct Album {
    pool: PgPool,
    clock: Clock,
    chance: Chance,
    files: PublicFiles,
    portraits: Portraits,
}

impl FromRef<AppState> for Album {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            clock: state.clock.clone(),
            chance: state.chance,
            files: state.public_files.clone(),
            portraits: state.portraits.clone(),
        }
    }
}

/// Where a browser finds a public file.
pub(super) fn url(file: &str) -> String {
    format!("/uploads/{file}")
}

/// A new picture: cut to a square of 256 pixels, without anything that the camera wrote beside it.
#[utoipa::path(post, path = "/me/avatar", operation_id = "upload_avatar", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    request_body(content = AvatarForm, content_type = "multipart/form-data"),
    responses((status = 200, body = AvatarView),
        (status = 400, description = "`validation_failed`, `unknown_field`, `malformed_body`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`account_not_found`"),
        (status = 413, description = "`payload_too_large`"), (status = 415, description = "`multipart_expected`"),
        (status = 503, description = "`busy`")))]
pub(super) async fn upload(
    caller: Authenticated,
    State(album): State<Album>,
    request: Request,
) -> Result<Json<AvatarView>, Problem> {
    let _place = album.portraits.place(caller.account)?;
    let portrait = album.portraits.make(the_file(request).await?).await?;
    let file = album.put(caller.account, portrait).await?;
    Ok(Json(AvatarView { avatar_url: url(&file) }))
}

/// No picture any more; done as well when there was none.
#[utoipa::path(delete, path = "/me/avatar", operation_id = "remove_avatar", tag = "accounts",
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 204, description = "Removed"), (status = 401, description = "`unauthorized`")))]
pub(super) async fn remove(caller: Authenticated, State(album): State<Album>) -> Result<StatusCode, Problem> {
    if let Some(file) = avatars::delete(&album.pool, caller.account).await? {
        album.discard(&file).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The form's only field.
async fn the_file(request: Request) -> Result<Bytes, Problem> {
    let form = Multipart::from_request(request, &()).await;
    let mut form =
        form.map_err(|_| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "multipart_expected"))?;
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("file") if file.is_none() => file = Some(small(field).await?),
            Some("file") => return Err(Problem::field("file", "invalid_value")),
            name => return Err(unknown(name.unwrap_or_default())),
        }
    }
    file.ok_or_else(|| Problem::field("file", "required"))
}

async fn small(field: Field<'_>) -> Result<Bytes, Problem> {
    let bytes = field.bytes().await.map_err(unreadable)?;
    if bytes.len() > portrait::BYTES_MAX {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
    }
    Ok(bytes)
}

fn unknown(name: &str) -> Problem {
    let mut problem = Problem::field(name, "unknown_field").with_member("field", name);
    problem.code = "unknown_field";
    problem
}

/// A client that breaks off is no fault of ours.
fn unreadable(error: MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
        _ => Problem::bad_request("malformed_body").with_source(error),
    }
}

impl Album {
    /// First the file, then the row that shows it, then away with the old file.
    async fn put(&self, account: AccountId, portrait: Vec<u8>) -> Result<String, Problem> {
        let digest = Sha256::new().chain_update(self.chance.bytes::<32>()).chain_update(&portrait).finalize();
        let file = format!("avatars/{}.jpg", hex::encode(digest));
        let key = Key::parse(&file).map_err(Problem::internal)?;
        self.files.0.put(&key, portrait.into()).await.map_err(Problem::internal)?;
        match self.show(account, &file).await {
            Ok(old) => {
                if let Some(old) = old {
                    self.discard(&old).await;
                }
                Ok(file)
            }
            Err(problem) => {
                // A commit whose answer was lost may have been one.
                if avatars::get(&self.pool, account).await?.as_deref() != Some(file.as_str()) {
                    self.discard(&file).await;
                }
                Err(problem)
            }
        }
    }

    /// The file that was shown before.
    async fn show(&self, account: AccountId, file: &str) -> Result<Option<String>, Problem> {
        let mut tx = held(&self.pool, account).await?;
        let old = avatars::get(&mut *tx, account).await?;
        avatars::store(&mut *tx, account, file, self.clock.now()).await?;
        tx.commit().await?;
        Ok(old)
    }

    /// Nobody shows it any more. A file that stays is waste, and no reason to refuse what was done.
    async fn discard(&self, file: &str) {
        let deleted = match Key::parse(file) {
            Ok(key) => self.files.0.delete(&key).await,
            Err(error) => Err(error.into()),
        };
        match deleted {
            // Somebody else was faster.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(file.key = file, error = %error, "a portrait that nobody shows stays behind");
            }
        }
    }
}
