//! What things cost. Orders and jobs record the price they used, so a change here changes no past.

use crate::Money;
use crate::draft::{CoverSize, Method};

/// KDV, in whole percent.
pub const VAT_PERCENT: u32 = 20;
pub const SHIPPING: Money = Money::lira(3_000);
pub const WELCOME_CREDITS: u32 = 500;

/// A printed cover, KDV included.
pub fn cover(size: CoverSize, method: Method) -> Money {
    let base = match size {
        CoverSize::A6 => 14_900,
        CoverSize::A5 => 19_900,
        CoverSize::A4 => 27_900,
    };
    let surcharge = match method {
        Method::Upload => 0,
        Method::Ai => 2_000,
        Method::Artist => 25_000,
    };
    Money::lira(base + surcharge)
}

/// Credits for the next job of a draft that already had this many successful ones: 100, 100, 200, 300, 300 …
pub fn generation(successful_before: u32) -> u32 {
    match successful_before {
        0 => 100,
        more => (100 * more).min(300),
    }
}

/// The share of picture `index` (from 0) in a job of `count` pictures; the shares add up to the cost.
pub fn picture_share(cost: u32, count: u8, index: u8) -> u32 {
    let (cost, count, index) = (u64::from(cost), u64::from(count.max(1)), u64::from(index));
    let share = cost * (index + 1) / count - cost * index / count;
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_cost_100_100_200_300_and_no_more() {
        let costs: Vec<u32> = (0..6).map(generation).collect();
        assert_eq!(costs, [100, 100, 200, 300, 300, 300]);
    }

    #[test]
    fn picture_shares_add_up_to_the_cost() {
        for cost in [100, 200, 300] {
            for count in 1..=4u8 {
                assert_eq!((0..count).map(|i| picture_share(cost, count, i)).sum::<u32>(), cost);
            }
        }
    }
}
