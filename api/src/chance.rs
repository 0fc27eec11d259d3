//! The edge's one source of chance: ids, salts, tokens.

use domain::AccountId;
use rand::RngCore;
use time::OffsetDateTime;
use uuid::Uuid;

/// Gives unpredictable bytes from the thread's generator, which the operating system seeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chance;

impl Chance {
    #[expect(clippy::disallowed_methods, reason = "this is the one source of chance")]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        rand::rng().fill_bytes(&mut bytes);
        bytes
    }

    /// 16 random bytes as a version 4 id.
    pub fn id(self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// An id that sorts by time (version 7), for rows that are read newest first.
    pub fn id_at(self, now: OffsetDateTime) -> Uuid {
        let millis = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }

    /// For a new person.
    pub fn account_id(self, now: OffsetDateTime) -> AccountId {
        AccountId(self.id_at(now))
    }

    /// 256 random bits as 64 hex digits.
    pub fn token(self) -> String {
        hex::encode(self.bytes::<32>())
    }
}
