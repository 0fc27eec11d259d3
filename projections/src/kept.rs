//! Rows that were written lately, so that the next page need not ask for them.
//!
//! Only one runner writes a live table, and what else may change it (a switch, a second runner) moves its checkpoint:
//! then the page is refused, and what was kept goes together with the table it was kept for.

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

/// For one read model.
const BYTES_MAX: u64 = 2 * 1024 * 1024;
/// A place in the cache, beside key and row.
const PLACE_BYTES: u64 = 96;
const ROW_BYTES_TYPICAL: u64 = 1_024;

/// Rows of one table as JSON, by key.
pub(crate) struct Kept(Cache<String, String, Bytes>);

#[derive(Clone)]
struct Bytes;

impl Weighter<String, String> for Bytes {
    fn weight(&self, key: &String, row: &String) -> u64 {
        PLACE_BYTES + (key.len() + row.len()) as u64
    }
}

impl Default for Kept {
    fn default() -> Self {
        let rows = usize::try_from(BYTES_MAX / ROW_BYTES_TYPICAL).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(rows, BYTES_MAX, Bytes))
    }
}

impl Kept {
    pub fn row(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// What a page made of its rows, once it is committed.
    pub fn take(&mut self, rows: Vec<(String, String)>, gone: &[String]) {
        for key in gone {
            self.0.remove(key);
        }
        for (key, row) in rows {
            self.0.insert(key, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_or_too_much_is_not_kept() {
        let mut kept = Kept::default();
        kept.take(vec![("a".into(), "1".into()), ("b".into(), "2".into())], &[]);
        kept.take(vec![("b".into(), "3".into())], &["a".into()]);
        assert_eq!((kept.row("a"), kept.row("b")), (None, Some("3")));

        let row = "x".repeat(64 * 1024);
        kept.take((0..100).map(|n| (n.to_string(), row.clone())).collect(), &[]);
        let there = (0..100).filter(|n| kept.row(&n.to_string()).is_some()).count();
        assert!((1..=32).contains(&there), "{there} rows of 64 KiB in 2 MiB");
    }
}
