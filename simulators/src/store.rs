//! What a simulator has seen and done: a fold over appended changes, like everything in this product.
//!
//! With a file, each change is written before the answer leaves, so a killed process finds its
//! state again. Nothing is flushed to the disk: the files outlive processes, not power cuts.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// State that is nothing but its changes, applied in order.
pub(crate) trait Ledger: Default {
    type Change: Serialize + DeserializeOwned;

    fn apply(&mut self, change: Self::Change);
}

pub(crate) struct Store<L> {
    inner: Mutex<Inner<L>>,
}

struct Inner<L> {
    ledger: L,
    log: Option<File>,
}

impl<L: Ledger> Store<L> {
    /// Opens the log and replays it; a torn last line (killed while writing) is cut off.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let mut ledger = L::default();
        let log = match path {
            Some(path) => Some(replay(path, &mut ledger)?),
            None => None,
        };
        Ok(Self { inner: Mutex::new(Inner { ledger, log }) })
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&L) -> T) -> T {
        look(&self.lock().ledger)
    }

    /// Decides under the lock, then writes and applies what was decided. Two equal requests at the
    /// same moment therefore see each other.
    pub(crate) fn commit<T>(&self, decide: impl FnOnce(&L) -> (Vec<L::Change>, T)) -> io::Result<T> {
        let mut inner = self.lock();
        let (changes, answer) = decide(&inner.ledger);
        if let Some(log) = &mut inner.log {
            let mut lines = Vec::new();
            for change in &changes {
                serde_json::to_writer(&mut lines, change)?;
                lines.push(b'\n');
            }
            log.write_all(&lines)?;
        }
        for change in changes {
            inner.ledger.apply(change);
        }
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<L>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn replay<L: Ledger>(path: &Path, ledger: &mut L) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let log = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let bytes = std::fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        ledger.apply(serde_json::from_slice(line)?);
    }
    if whole < bytes.len() {
        log.set_len(whole as u64)?;
    }
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Sum(u64);

    impl Ledger for Sum {
        type Change = u64;

        fn apply(&mut self, change: u64) {
            self.0 += change;
        }
    }

    #[test]
    fn a_reopened_store_has_every_change_but_the_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/sum.jsonl");
        let store = Store::<Sum>::open(Some(&path)).unwrap();
        store.commit(|_| (vec![40, 2], ())).unwrap();
        drop(store);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"9").unwrap();

        let store = Store::<Sum>::open(Some(&path)).unwrap();
        assert_eq!(store.read(|sum| sum.0), 42);
        store.commit(|_| (vec![1], ())).unwrap();
        assert_eq!(Store::<Sum>::open(Some(&path)).unwrap().read(|sum| sum.0), 43);
    }
}
