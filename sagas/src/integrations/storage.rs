//! Files the shop keeps: originals and invoices in `Private`, previews in `Public`. Written once, never changed.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::{BoxError, CallError};

const KEY_BYTES_MAX: usize = 512;
const FAULT_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Served by nobody directly.
    Private,
    /// Everything here may be seen by everybody who knows its key.
    Public,
}

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("{0:?} is no key: ASCII letters, digits, '-', '_', '.', in segments divided by '/'")]
    Key(String),
    #[error("nothing is stored under {0}")]
    Missing(String),
    #[error("{0} is taken by other content")]
    Taken(String),
    #[error("the store failed at {key}")]
    Store { key: String, source: BoxError },
}

impl From<StorageError> for CallError {
    /// Writing again what is there already succeeds: a failed write is never ambiguous.
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Store { .. } => {
                let what = error.to_string();
                Self::retry(FAULT_PAUSE, what).because(error)
            }
            StorageError::Key(_) | StorageError::Missing(_) | StorageError::Taken(_) => {
                Self::misconfigured(error.to_string())
            }
        }
    }
}

#[derive(Debug)]
pub struct Storage {
    private: LocalFileSystem,
    public: LocalFileSystem,
}

impl Storage {
    /// Two directories on local disks, made if they are not there. A write is on the disk when it returns.
    pub fn local(private_dir: &Path, public_dir: &Path) -> Result<Self, StorageError> {
        Ok(Self { private: directory(private_dir)?, public: directory(public_dir)? })
    }

    /// Stores under a new key. The same content twice is no error: an answer may have been lost.
    pub async fn put_new(&self, area: Area, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        let place = place(key)?;
        let create = PutOptions::from(PutMode::Create);
        match self.area(area).put_opts(&place, bytes.clone().into(), create).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                if self.get(area, key).await? == bytes {
                    return Ok(());
                }
                Err(StorageError::Taken(key.to_owned()))
            }
            Err(error) => Err(failed(key, error)),
        }
    }

    pub async fn get(&self, area: Area, key: &str) -> Result<Bytes, StorageError> {
        let found = self.area(area).get(&place(key)?).await.map_err(|error| failed(key, error))?;
        found.bytes().await.map_err(|error| failed(key, error))
    }

    pub async fn exists(&self, area: Area, key: &str) -> Result<bool, StorageError> {
        match self.area(area).head(&place(key)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(key, error)),
        }
    }

    fn area(&self, area: Area) -> &LocalFileSystem {
        match area {
            Area::Private => &self.private,
            Area::Public => &self.public,
        }
    }
}

fn directory(dir: &Path) -> Result<LocalFileSystem, StorageError> {
    let broken = |source: BoxError| StorageError::Store { key: dir.display().to_string(), source };
    std::fs::create_dir_all(dir).map_err(|error| broken(error.into()))?;
    let store = LocalFileSystem::new_with_prefix(dir).map_err(|error| broken(error.into()))?;
    Ok(store.with_fsync(true))
}

/// Keys are made by us, so anything unusual is a mistake, and none can leave its area.
fn place(key: &str) -> Result<Place, StorageError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let segment = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(letter);
    if key.len() > KEY_BYTES_MAX || !key.split('/').all(segment) {
        return Err(StorageError::Key(key.to_owned()));
    }
    Place::parse(key).map_err(|_| StorageError::Key(key.to_owned()))
}

fn failed(key: &str, error: object_store::Error) -> StorageError {
    match error {
        object_store::Error::NotFound { .. } => StorageError::Missing(key.to_owned()),
        other => StorageError::Store { key: key.to_owned(), source: other.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_written_once_and_the_same_content_twice_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::local(&dir.path().join("a/private"), &dir.path().join("public")).unwrap();
        let key = "ai/0a/preview.jpg";
        assert!(!storage.exists(Area::Private, key).await.unwrap());
        for _ in 0..2 {
            storage.put_new(Area::Private, key, Bytes::from_static(b"one")).await.unwrap();
        }
        let taken = storage.put_new(Area::Private, key, Bytes::from_static(b"two")).await;
        assert!(matches!(taken, Err(StorageError::Taken(_))));
        assert_eq!(storage.get(Area::Private, key).await.unwrap(), "one");
        assert!(storage.exists(Area::Private, key).await.unwrap());
        assert!(!storage.exists(Area::Public, key).await.unwrap(), "the areas are apart");
        let missing = storage.get(Area::Public, key).await;
        assert!(matches!(missing, Err(StorageError::Missing(_))));
    }

    #[test]
    fn keys_cannot_wander() {
        for key in ["", "/a", "a//b", "../a", "a/../b", "a/.hidden", "a b", "ş", "a#1", "a\\b", "a/"] {
            assert!(matches!(place(key), Err(StorageError::Key(_))), "{key}");
        }
        assert!(place(&"a".repeat(KEY_BYTES_MAX + 1)).is_err());
        assert!(place("invoices/PLK2026000000001.pdf").is_ok());
    }

    #[test]
    fn only_a_failing_store_is_worth_another_try() {
        let broken = StorageError::Store { key: "k".to_owned(), source: "disk".into() };
        assert!(matches!(CallError::from(broken), CallError::Retry { ambiguous: false, .. }));
        let taken = StorageError::Taken("k".to_owned());
        assert!(matches!(CallError::from(taken), CallError::Misconfigured { .. }));
    }
}
