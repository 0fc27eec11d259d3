//! Times as the contract writes them: ISO 8601, UTC, milliseconds, `Z`. Use `#[serde(serialize_with = "…")]`.

use serde::Serializer;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// `#[serde(serialize_with = "crate::timestamp::serialize")]`
pub fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*time).map_err(serde::ser::Error::custom)?)
}

/// `#[serde(serialize_with = "crate::timestamp::serialize_option")]`
pub fn serialize_option<S: Serializer>(
    time: &Option<OffsetDateTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// The same as text.
pub fn text(time: OffsetDateTime) -> Result<String, time::error::Format> {
    time.to_offset(UtcOffset::UTC).format(FORMAT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(text(datetime!(2026-11-24 03:04:05.6789 +3)).unwrap(), "2026-11-24T00:04:05.678Z");
    }
}
