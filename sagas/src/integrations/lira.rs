//! How amounts are written for Turkish readers: `1.234,56 TL`.

use domain::{Currency, Money};

pub fn written(money: Money) -> String {
    let unit = match money.currency {
        Currency::Try => "TL",
    };
    let sign = if money.minor < 0 { "-" } else { "" };
    let minor = money.minor.unsigned_abs();
    let whole = (minor / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped},{:02} {unit}", minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_dots_and_kurus_a_comma() {
        let cases = [
            (0, "0,00 TL"),
            (5, "0,05 TL"),
            (14_990, "149,90 TL"),
            (123_456, "1.234,56 TL"),
            (100_000_000, "1.000.000,00 TL"),
            (-123_450, "-1.234,50 TL"),
        ];
        for (minor, text) in cases {
            assert_eq!(written(Money::lira(minor)), text);
        }
        assert_eq!(written(Money::lira(i64::MIN)), "-92.233.720.368.547.758,08 TL");
    }
}
