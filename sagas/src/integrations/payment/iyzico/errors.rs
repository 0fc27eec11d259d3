//! Iyzico's error codes, grouped by what we do about them. The texts are localised: never branch on them.

use std::time::Duration;

use super::super::FailureGroup;
use crate::integrations::CallError;

/// The limiter counts by the minute.
pub const RATE_LIMIT_PAUSE: Duration = Duration::from_mins(1);
pub const PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The buyer can retry, perhaps with another card.
    AnotherCard,
    /// The buyer can retry and is told nothing specific.
    SayNothing,
    /// Wrong keys or a closed account: nothing will work until a person acts.
    Access,
    /// A field that we sent is missing or malformed.
    Request,
    /// Refused before processing; later is better.
    Temporary,
    /// May have been charged: ask, never resend.
    Ambiguous,
    NotFound,
    Unknown,
}

/// A cancellation after the bank's day end: refund instead.
pub const NEEDS_DAY_END: &str = "10223";

pub fn group(code: &str) -> Group {
    let Ok(number) = code.parse::<u32>() else {
        return Group::Unknown;
    };
    match number {
        12..=17
        | 10005
        | 10012
        | 10051
        | 10054
        | 10057
        | 10058
        | 10084
        | 10093
        | 10201
        | 10202
        | 10204
        | 10206
        | 10207
        | 10209..=10213
        | 10215..=10218
        | 10220..=10222
        | 10224..=10227
        | 10229..=10231
        | 10233..=10236
        | 10243
        | 10244
        | 5184
        | 6000 => Group::AnotherCard,
        10034 | 10041 | 10043 | 6001 => Group::SayNothing,
        1000..=1009 | 9000 => Group::Access,
        3..=11
        | 18..=25
        | 5001
        | 5002
        | 5005..=5008
        | 5062
        | 5077
        | 5079
        | 5111
        | 3000..=3013
        | 2000..=2030
        | 4000..=4006
        | 10205
        | 10208
        | 10232 => Group::Request,
        50000 | 10246 | 10223 => Group::Temporary,
        1 | 2 | 10203 | 10214 | 10219 | 10228 | 10240..=10242 => Group::Ambiguous,
        5087 | 5107 => Group::NotFound,
        _ => Group::Unknown,
    }
}

pub fn for_the_buyer(group: Group) -> FailureGroup {
    match group {
        Group::AnotherCard => FailureGroup::AnotherCard,
        Group::SayNothing => FailureGroup::SayNothing,
        Group::Access
        | Group::Request
        | Group::Temporary
        | Group::Ambiguous
        | Group::NotFound
        | Group::Unknown => FailureGroup::Unknown,
    }
}

/// What a failure means for a call that was to change something.
pub fn refusal(code: &str, message: &str, what: &str) -> CallError {
    match group(code) {
        Group::Access | Group::Request => CallError::misconfigured(format!("{what}: {code} {message}")),
        Group::Temporary => CallError::retry(RATE_LIMIT_PAUSE, format!("{what}: {code}")),
        Group::Ambiguous => CallError::ambiguous(PAUSE, format!("{what}: {code}")),
        Group::AnotherCard | Group::SayNothing | Group::NotFound | Group::Unknown => {
            CallError::rejected(code, what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fall_into_the_groups_of_the_reference() {
        let cases = [
            ("10051", Group::AnotherCard),
            ("17", Group::AnotherCard),
            ("5184", Group::AnotherCard),
            ("10041", Group::SayNothing),
            ("1001", Group::Access),
            ("11", Group::Request),
            ("5062", Group::Request),
            ("50000", Group::Temporary),
            ("1", Group::Ambiguous),
            ("10219", Group::Ambiguous),
            ("5087", Group::NotFound),
            ("99999", Group::Unknown),
            ("E-7", Group::Unknown),
        ];
        for (code, expected) in cases {
            assert_eq!(group(code), expected, "{code}");
        }
    }

    #[test]
    fn a_system_error_may_have_happened_and_a_rate_limit_has_not() {
        assert!(refusal("1", "", "cancel").is_ambiguous());
        assert!(matches!(refusal("50000", "", "cancel"), CallError::Retry { ambiguous: false, .. }));
        assert!(matches!(refusal("1000", "", "cancel"), CallError::Misconfigured { .. }));
        assert!(
            matches!(refusal("10051", "", "cancel"), CallError::Rejected { code, .. } if code == "10051")
        );
    }
}
