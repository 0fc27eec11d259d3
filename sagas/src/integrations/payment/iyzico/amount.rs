//! Amounts on Iyzico's wire: decimal text in, decimal text out, never a float.
//!
//! A request writes `150.0`, a signature is taken over `150`, an answer may say `150`, `150.0` or `"150.00"`.

use domain::Money;

/// A non-negative decimal without superfluous zeros at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    whole: String,
    fraction: String,
}

const DIGITS_MAX: usize = 32;

impl Amount {
    /// Refuses signs, exponents, commas, and anything longer than an amount can be.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if text.len() > DIGITS_MAX || !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            rest => rest,
        };
        Some(Self { whole: whole.to_owned(), fraction: fraction.trim_end_matches('0').to_owned() })
    }

    /// `None` for a negative amount, which no request may carry.
    pub fn of(money: Money) -> Option<Self> {
        let minor = u64::try_from(money.minor).ok()?;
        Self::parse(&format!("{}.{:02}", minor / 100, minor % 100))
    }

    /// Minor units; `None` if it is finer than that, or too large.
    pub fn minor(&self) -> Option<i64> {
        if self.fraction.len() > 2 {
            return None;
        }
        format!("{}{:0<2}", self.whole, self.fraction).parse().ok()
    }

    /// At least one decimal: `150.0`.
    pub fn in_request(&self) -> String {
        let fraction = if self.fraction.is_empty() { "0" } else { &self.fraction };
        format!("{}.{fraction}", self.whole)
    }

    /// No trailing zero and no trailing dot: `150`.
    pub fn in_signature(&self) -> String {
        if self.fraction.is_empty() {
            self.whole.clone()
        } else {
            format!("{}.{}", self.whole, self.fraction)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::vectors;
    use super::*;

    #[test]
    fn amounts_of_requests_are_written_as_the_official_client_does() {
        let mut checked = 0;
        for vector in vectors::of("price_request_format") {
            let input = match &vector["input"] {
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            if vector.get("note").is_some() {
                // Defects of the official client, listed so that nobody copies them.
                let ours = Amount::parse(&input).map(|amount| amount.in_request());
                assert_ne!(ours.as_deref(), vector["output"].as_str());
                continue;
            }
            assert_eq!(Amount::parse(&input).unwrap().in_request(), vector["output"].as_str().unwrap());
            checked += 1;
        }
        assert_eq!(checked, 16);
    }

    #[test]
    fn amounts_in_signatures_lose_their_trailing_zeros() {
        for vector in vectors::of("price_signature_format") {
            let amount = Amount::parse(vector["json_number_text"].as_str().unwrap()).unwrap();
            assert_eq!(amount.in_signature(), vector["signed_as"].as_str().unwrap());
            assert_eq!(amount.in_request(), vector["request_form"].as_str().unwrap());
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e2", "1,5", " 1", "1.2.3", "NaN", "١"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
        assert_eq!(Amount::parse("0.349").unwrap().minor(), None);
        assert_eq!(Amount::parse("92233720368547758.08").unwrap().minor(), None);
        assert_eq!(Amount::of(Money::lira(-1)), None);
    }

    proptest::proptest! {
        #[test]
        fn minor_units_survive_the_wire(minor in 0..=i64::MAX) {
            let amount = Amount::of(Money::lira(minor)).unwrap();
            for text in [amount.in_request(), amount.in_signature()] {
                proptest::prop_assert_eq!(Amount::parse(&text).unwrap().minor(), Some(minor));
            }
        }
    }
}
