//! Places for files that are held in memory while they come.

use crate::Problem;
use domain::AccountId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files held at once, from their first byte to their last; each may have [`super::BYTES_MAX`].
const AT_ONCE: usize = 16;
/// Of these by one account: a double click is none too many.
const BY_ONE: usize = 2;
/// When a place may be free, in seconds.
const RETRY_AFTER_S: u32 = 1;

/// How many each account has; an account without any is not listed.
type Taken = HashMap<AccountId, usize>;

#[derive(Debug, Clone, Default)]
pub struct Places(Arc<Mutex<Taken>>);

impl Places {
    /// One place; 503 when all are taken, or those of the account.
    pub fn take(&self, account: AccountId) -> Result<Place, Problem> {
        let mut taken = self.taken();
        let mine = taken.get(&account).copied().unwrap_or_default();
        if mine == BY_ONE || taken.values().sum::<usize>() == AT_ONCE {
            return Err(Problem::unavailable("busy", RETRY_AFTER_S));
        }
        taken.insert(account, mine + 1);
        Ok(Place { places: self.clone(), account })
    }

    /// A count is whole whoever panicked beside it.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while one file is read and worked on.
#[derive(Debug)]
pub struct Place {
    places: Places,
    account: AccountId,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut mine) = self.places.taken().entry(self.account) {
            *mine.get_mut() -= 1;
            if *mine.get() == 0 {
                mine.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_account_has_two_places_and_others_have_the_rest() {
        let places = Places::default();
        let take = |account| places.take(AccountId(Uuid::from_u128(account))).map_err(|problem| problem.code);
        let mine = [take(0).unwrap(), take(0).unwrap()];
        assert_eq!(take(0).unwrap_err(), "busy");
        let others: Vec<_> = (2..16).map(|account| take(account).unwrap()).collect();
        assert_eq!(take(16).unwrap_err(), "busy");
        drop(mine);
        assert!(take(0).is_ok());
        drop(others);
        assert_eq!(places.taken().len(), 0, "nobody is remembered");
    }
}
