//! Money as the provider writes it: text in requests, JSON numbers in answers, trimmed in signatures.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An amount in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Amount(pub i64);

/// A text that is no amount in the form requests must have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// More than two decimals: the provider answers this with a signature error.
    #[error("more than two decimals")]
    TooPrecise,
    /// Anything else: no dot, a comma, a sign, no digits, too many digits.
    #[error("not an amount such as 150.0")]
    Malformed,
}

const DIGITS_MAX: usize = 12;

impl Amount {
    /// Reads `150.0` or `149.90`; a dot and one or two decimals are obligatory.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (whole, decimals) = text.split_once('.').ok_or(AmountError::Malformed)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > DIGITS_MAX {
            return Err(AmountError::Malformed);
        }
        if decimals.len() > 2 {
            return Err(AmountError::TooPrecise);
        }
        format!("{whole}{decimals:0<2}").parse().map(Self).map_err(|_| AmountError::Malformed)
    }

    /// The number in an answer, such as `150.0`.
    pub fn to_json(self) -> Value {
        // Twelve digits and two decimals: the shortest text of the float is the same decimal.
        self.to_string().parse::<f64>().map_or(Value::Null, Value::from)
    }

    /// `part / whole` of this amount, rounded down.
    pub(crate) fn share(self, part: Self, whole: Self) -> Self {
        let share = i128::from(self.0) * i128::from(part.0) / i128::from(whole.0.max(1));
        Self(i64::try_from(share).unwrap_or(self.0))
    }
}

impl fmt::Display for Amount {
    /// The request form: at least one decimal, no further zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        if rest % 10 == 0 { write!(f, "{whole}.{}", rest / 10) } else { write!(f, "{whole}.{rest:02}") }
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl TryFrom<String> for Amount {
    type Error = AmountError;

    fn try_from(text: String) -> Result<Self, AmountError> {
        Self::parse(&text)
    }
}

/// For people: `1.249,90 TL`.
pub(crate) fn turkish(amount: Amount, currency: &str) -> String {
    let digits = (amount.0 / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    let unit = if currency == "TRY" { "TL" } else { currency };
    format!("{grouped},{:02} {unit}", amount.0 % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_need_one_or_two_decimals_and_a_dot() {
        assert_eq!(Amount::parse("150.0"), Ok(Amount(15_000)));
        assert_eq!(Amount::parse("149.90"), Ok(Amount(14_990)));
        assert_eq!(Amount::parse("0.05"), Ok(Amount(5)));
        assert_eq!(Amount::parse("1.234"), Err(AmountError::TooPrecise));
        for wrong in ["150", "", ".5", "5.", "1,5", "-1.0", "1.0.0", "1e3.0", "9999999999999.0"] {
            assert_eq!(Amount::parse(wrong), Err(AmountError::Malformed), "{wrong}");
        }
    }

    #[test]
    fn answers_carry_numbers_and_people_see_lira() {
        assert_eq!(Amount(15_000).to_json().to_string(), "150.0");
        assert_eq!(Amount(1_534).to_json().to_string(), "15.34");
        assert_eq!(Amount(5).to_string(), "0.05");
        assert_eq!(turkish(Amount(124_990), "TRY"), "1.249,90 TL");
    }
}
