//! Time and chance. Simulators play the outside world, so both are real here and in no other place.

use rand::Rng as _;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

/// Turkey has kept this offset all year since 2016.
const ISTANBUL_OFFSET_SECONDS: i32 = 3 * 3600;

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Milliseconds since 1970, the unit of every time in the ledgers.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// The shop's and the banks' calendar day of a moment.
pub(crate) fn istanbul_day(ms: i64) -> Option<time::Date> {
    let offset = UtcOffset::from_whole_seconds(ISTANBUL_OFFSET_SECONDS).ok()?;
    Some(OffsetDateTime::from_unix_timestamp(ms / 1000).ok()?.to_offset(offset).date())
}

pub(crate) fn new_uuid() -> Uuid {
    Uuid::new_v4()
}

/// A decimal number of nine digits, as the providers use for ids and references.
pub(crate) fn nine_digits() -> String {
    rand::rng().random_range(100_000_000_u32..1_000_000_000).to_string()
}

/// A seed that the picture provider would choose itself (zero means "choose one").
pub(crate) fn seed() -> u32 {
    rand::rng().random_range(1..u32::MAX)
}
