//! Money in integer minor units. A decimal string exists only inside a provider's wire types.

use serde::{Deserialize, Serialize};

/// ISO 4217; the shop sells in one currency today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Currency {
    #[serde(rename = "TRY")]
    Try,
}

impl Currency {
    pub fn code(self) -> &'static str {
        match self {
            Self::Try => "TRY",
        }
    }
}

/// An amount: kuruş for TRY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// Sums that cannot be expressed are refused, never wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("amounts in {0} and {1} cannot be added")]
    DifferentCurrencies(&'static str, &'static str),
    #[error("the sum is larger than an amount can be")]
    Overflow,
}

impl Money {
    pub const fn lira(minor: i64) -> Self {
        Self { minor, currency: Currency::Try }
    }

    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::DifferentCurrencies(self.currency.code(), other.currency.code()));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }

    /// Quantity times unit price.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(quantity)).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }

    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::lira(0), Self::plus)
    }

    /// Splits a gross amount into (net, tax) for a rate in whole percent, tax rounded half up.
    ///
    /// tax = gross × rate ÷ (100 + rate); net is the rest, so that both always add up to the gross.
    pub fn split_tax(self, rate_percent: u32) -> Result<(Self, Self), MoneyError> {
        let rate = i64::from(rate_percent);
        let scaled = self.minor.checked_mul(rate * 2).ok_or(MoneyError::Overflow)?;
        let tax = scaled.checked_add(100 + rate).ok_or(MoneyError::Overflow)?.div_euclid(2 * (100 + rate));
        let of = |minor| Self { minor, currency: self.currency };
        Ok((of(self.minor - tax), of(tax)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_is_rounded_half_up_and_adds_up() {
        for gross in [0, 1, 3, 5, 9, 100, 12_000, 14_999, 99_999_999] {
            let (net, tax) = Money::lira(gross).split_tax(20).unwrap();
            assert_eq!(net.minor + tax.minor, gross);
            // 20/120 of the gross, compared in sixths of a kuruş to stay in integers.
            assert!((6 * tax.minor - gross).abs() <= 3, "{gross}: {tax:?}");
        }
        assert_eq!(Money::lira(3).split_tax(20).unwrap().1.minor, 1, "half a kuruş rounds up");
    }

    #[test]
    fn tax_of_an_amount_near_the_largest_is_refused() {
        for minor in [i64::MAX, i64::MAX / 40, i64::MAX / 40 - 2] {
            assert_eq!(Money::lira(minor).split_tax(20), Err(MoneyError::Overflow), "{minor}");
        }
        assert!(Money::lira(i64::MAX / 40 - 3).split_tax(20).is_ok());
    }

    #[test]
    fn a_sum_that_overflows_is_refused() {
        assert_eq!(Money::lira(i64::MAX).plus(Money::lira(1)), Err(MoneyError::Overflow));
    }
}
