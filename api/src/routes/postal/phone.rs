//! Phone numbers. Drafts keep them as typed; where numbers are compared or called, E.164 is kept.

/// Fewest and most digits of a number with its country, as the contract and E.164 have them.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Only digits are counted: with 0 in front 11, with 90 12, with 5 10, any other number 7 to 15. With + also what
/// begins like a Turkish number and is none.
pub fn is_phone(phone: &str) -> bool {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let by_digits = match digits.as_str() {
        digits if digits.starts_with('0') => digits.len() == 11,
        digits if digits.starts_with("90") => digits.len() == 12,
        digits if digits.starts_with('5') => digits.len() == 10,
        digits => DIGITS.contains(&digits.len()),
    };
    by_digits || e164(phone).is_some()
}

/// `+905321234567`; `None` for other characters, and where the country cannot be told.
pub fn e164(phone: &str) -> Option<String> {
    let phone = phone.trim();
    // Abroad is dialled with 00, and no number at home begins like that.
    let prefix = phone.strip_prefix('+').or_else(|| phone.strip_prefix("00"));
    let (international, rest) = prefix.map_or((false, phone), |rest| (true, rest));
    if !rest.chars().all(|c| c.is_ascii_digit() || " -().\u{a0}".contains(c)) {
        return None;
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    if let Some(national) = digits.strip_prefix("90").filter(|national| national.len() == 10) {
        return turkish(national);
    }
    if international {
        let fits = DIGITS.contains(&digits.len()) && !digits.starts_with('0') && !digits.starts_with("90");
        return fits.then(|| format!("+{digits}"));
    }
    turkish(digits.strip_prefix('0').unwrap_or(&digits))
}

/// Area codes begin with 2, 3, 4 or 8, mobile ones with 5.
fn turkish(national: &str) -> Option<String> {
    let fits = national.len() == 10 && national.starts_with(['2', '3', '4', '5', '8']);
    fits.then(|| format!("+90{national}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn phone_numbers_as_people_write_them() {
        for good in [
            "0532 123 45 67",
            "+90 532 123 45 67",
            "5321234567",
            "+44 20 7946 0958",
            "1234567",
            "+52 55 1234 5678",
        ] {
            assert!(is_phone(good), "{good}");
        }
        for bad in ["", "12345", "0532 123 45", "90 532", "53212345678", "1234567890123456"] {
            assert!(!is_phone(bad), "{bad}");
        }
    }

    #[test]
    fn spellings_of_one_number_have_one_form() {
        for same in [
            "0532 123 45 67",
            "+90 (532) 123-45-67",
            "90 532 123 45 67",
            "532.123.45.67",
            "0090 532 123 45 67",
        ] {
            assert_eq!(e164(same).as_deref(), Some("+905321234567"), "{same}");
        }
        assert_eq!(e164("0216 345 67 89").as_deref(), Some("+902163456789"));
        assert_eq!(e164("+44 20 7946 0958").as_deref(), Some("+442079460958"));
        assert_eq!(e164("0049 30 1234567").as_deref(), Some("+49301234567"));
        assert_eq!(e164("+52 55 1234 5678").as_deref(), Some("+525512345678"));
    }

    #[test]
    fn what_cannot_be_called_has_none() {
        for bad in [
            "",
            "+",
            "0532 123 45",
            "1234567",
            "+0 532 123 45 67",
            "+90 532 123 45",
            "+90 132 123 45 67",
            "0132 123 45 67",
            "05321234567x",
            "0532\n1234567",
            "+1234567890123456",
            "٠٥٣٢١٢٣٤٥٦٧",
            "5+321234567",
        ] {
            assert_eq!(e164(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_counts_as_a_number_is_e164_and_is_so_however_often_it_is_read(
            text in "\\PC{0,40}|[ ]?[+]?[0-9 ().\\-]{0,24}"
        ) {
            let Some(number) = e164(&text) else { return Ok(()) };
            let digits = number.strip_prefix('+').unwrap();
            prop_assert!(DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert!(!digits.starts_with('0') && is_phone(&text));
            prop_assert_eq!(e164(&number), Some(number));
        }
    }
}
