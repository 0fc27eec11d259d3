//! Whole numbers in bodies: JSON knows one kind of number, so 2.0 is as good as 2.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Number;

/// For `#[serde(deserialize_with)]`.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    parsed(&Number::deserialize(deserializer)?)
}

/// The same where the number may be missing.
pub fn whole_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    Option::<Number>::deserialize(deserializer)?.as_ref().map(parsed).transpose()
}

fn parsed<E: Error>(number: &Number) -> Result<u8, E> {
    let small = number.as_u64().and_then(|number| u8::try_from(number).ok());
    // Without a fraction, it is written without a point.
    let written = || number.as_f64().and_then(|number| number.to_string().parse().ok());
    small.or_else(written).ok_or_else(|| E::custom("not a small whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Option<u8> {
        whole(&mut serde_json::Deserializer::from_str(json)).ok()
    }

    #[test]
    fn a_whole_number_may_have_a_point() {
        for (json, expected) in
            [("2", Some(2)), ("2.0", Some(2)), ("2e0", Some(2)), ("2.5", None), ("-1", None), ("256.0", None)]
        {
            assert_eq!(read(json), expected, "{json}");
        }
        assert_eq!(read("\"2\""), None);
        assert_eq!(whole_option(&mut serde_json::Deserializer::from_str("null")).unwrap(), None);
    }

    proptest! {
        #[test]
        fn every_small_number_is_read_and_no_fraction(number in any::<u8>(), fraction in 1_u32..1_000_000) {
            prop_assert_eq!(read(&format!("{number}.0")), Some(number));
            prop_assert_eq!(read(&format!("{number}.{fraction:06}")), None);
        }
    }
}
