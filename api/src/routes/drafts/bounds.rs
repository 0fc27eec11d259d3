//! What the fields of addresses must look like. Minima and formats are the contract's; maxima are ours.

use crate::error::Fields;

pub const NAME_CHARS_MAX: usize = 100;
pub const PLACE_CHARS_MAX: usize = 50;
pub const ADDRESS_CHARS_MAX: usize = 250;
pub const PHONE_CHARS_MAX: usize = 30;

/// Text that is printed on parcels and invoices: of this length, and without control characters.
pub fn text(fields: &mut Fields, name: &str, text: &str, min: usize, max: usize) {
    fields.length(name, text, min, max);
    fields.require(!text.chars().any(char::is_control), name, "invalid_value");
}

pub fn optional(fields: &mut Fields, name: &str, value: Option<&String>, min: usize, max: usize) {
    if let Some(value) = value {
        text(fields, name, value, min, max);
    }
}

pub fn phone(fields: &mut Fields, name: &str, phone: &str) {
    text(fields, name, phone, 5, PHONE_CHARS_MAX);
    fields.require(is_phone(phone), name, "phone_invalid");
}

/// Only digits are counted: with 0 in front 11, with 90 12, with 5 10, any other number 7 to 15.
fn is_phone(phone: &str) -> bool {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    match digits.as_str() {
        digits if digits.starts_with('0') => digits.len() == 11,
        digits if digits.starts_with("90") => digits.len() == 12,
        digits if digits.starts_with('5') => digits.len() == 10,
        digits => (7..=15).contains(&digits.len()),
    }
}

pub fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_as_people_write_them() {
        for good in ["0532 123 45 67", "+90 532 123 45 67", "5321234567", "+44 20 7946 0958", "1234567"] {
            assert!(is_phone(good), "{good}");
        }
        for bad in ["", "12345", "0532 123 45", "90 532", "53212345678", "1234567890123456"] {
            assert!(!is_phone(bad), "{bad}");
        }
    }
}
