//! What the fields of addresses must look like. Minima and formats are the contract's; maxima are ours.

use super::phone::is_phone;
use crate::error::Fields;
use unicode_normalization::char::is_combining_mark;

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

/// A person's name: letters of any script, and what stands between them.
pub fn person(fields: &mut Fields, name: &str, person: &str, min: usize, max: usize) {
    fields.length(name, person, min, max);
    let written = |c: char| c.is_alphabetic() || is_combining_mark(c) || " '’-.".contains(c);
    fields.require(person.chars().all(written), name, "name_invalid");
}

pub fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_people_have_them() {
        let fits = |name: &str| {
            let mut fields = Fields::new();
            person(&mut fields, "fullName", name, 3, 120);
            fields.finish().is_ok()
        };
        for good in
            ["Ayşe Yılmaz", "Jean-Luc O'Neill", "D’Artagnan", "Hakkı Â. Çınar", "李小龙", "Nguyễn Văn A"]
        {
            assert!(fits(good), "{good}");
        }
        for bad in ["Al", "Ayşe\nYılmaz", "Ayşe\tYılmaz", "R2 D2", "<b>Ayşe</b>", "Ayşe\0"] {
            assert!(!fits(bad), "{bad}");
        }
    }
}
