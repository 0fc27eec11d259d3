//! `CP-20261124-0123ABCD`: Istanbul's date, and eight characters that follow from the order's id.

use crate::Problem;
use domain::OrderId;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

const TIME_ZONE: &str = "Europe/Istanbul";
/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The same for the same order, day and attempt; the next attempt is for a number that is taken.
pub fn order_number(order: OrderId, at: OffsetDateTime, attempt: u8) -> Result<String, Problem> {
    let zone = TimeZone::get(TIME_ZONE).map_err(Problem::internal)?;
    let moment = Timestamp::from_second(at.unix_timestamp()).map_err(Problem::internal)?;
    let date = moment.to_zoned(zone).date();
    let hash = Sha256::new().chain_update(order.0.as_bytes()).chain_update([attempt]).finalize();
    let code: String = hash.iter().take(8).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    Ok(format!("CP-{:04}{:02}{:02}-{code}", date.year(), date.month(), date.day()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use uuid::Uuid;

    #[test]
    fn the_date_is_that_of_istanbul_and_the_code_that_of_the_order() {
        let order = OrderId(Uuid::from_u128(1));
        let late = datetime!(2026-11-24 21:30 UTC);
        let number = order_number(order, late, 0).unwrap();
        assert!(number.starts_with("CP-20261125-"), "{number}");
        assert_eq!(number.len(), 20);
        assert_eq!(order_number(order, late, 0).unwrap(), number);
        assert_ne!(order_number(order, late, 1).unwrap(), number);
        assert_ne!(order_number(OrderId(Uuid::from_u128(2)), late, 0).unwrap(), number);
        assert!(number[12..].bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
