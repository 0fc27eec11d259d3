//! Cities and postal codes: Türkiye has 81 provinces and five digits, elsewhere both are free within bounds.

use super::bounds::{digits, text};
use super::country::TURKIYE;
use crate::Problem;
use crate::error::Fields;
use crate::routes::locations::lookup;

pub const CITY_CHARS_MAX: usize = 100;
/// A foreign postal code, with the blanks and hyphens that some have.
const FOREIGN_CODE_CHARS_MAX: usize = 12;

/// The city as it is kept: in Türkiye the province's own spelling, whatever the case or the accents were.
pub fn city(fields: &mut Fields, name: &str, city: String, country: &str) -> Result<String, Problem> {
    if country == TURKIYE {
        if let Some(province) = lookup::province(&city)? {
            return Ok(province.name.to_string());
        }
        fields.refuse(name, "province_unknown");
    } else {
        text(fields, name, &city, 2, CITY_CHARS_MAX);
    }
    Ok(city)
}

pub fn postal_code(fields: &mut Fields, name: &str, code: &str, country: &str) {
    let fits = if country == TURKIYE {
        digits(code, 5..=5)
    } else {
        let letters = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -".contains(&byte));
        letters && (2..=FOREIGN_CODE_CHARS_MAX).contains(&code.len())
    };
    fields.require(fits, name, "postal_code_invalid");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(written: &str, country: &str) -> Option<String> {
        let mut fields = Fields::new();
        let kept = city(&mut fields, "city", written.to_owned(), country).unwrap();
        fields.finish().is_ok().then_some(kept)
    }

    #[test]
    fn a_turkish_city_is_a_province_in_any_case() {
        for (written, kept_as) in [
            ("İSTANBUL", "İstanbul"),
            ("istanbul", "İstanbul"),
            ("ISTANBUL", "İstanbul"),
            ("ıstanbul", "İstanbul"),
            ("Hakkari", "Hakkâri"),
            ("ŞIRNAK", "Şırnak"),
            ("diyarbakir", "Diyarbakır"),
            ("AGRI", "Ağrı"),
        ] {
            assert_eq!(kept(written, "TR").as_deref(), Some(kept_as), "{written}");
        }
        for none in ["", "Kadıköy", "Berlin", "İstanbul İli", "Van\n"] {
            assert_eq!(kept(none, "TR"), None, "{none}");
        }
        assert_eq!(kept("Berlin", "DE").as_deref(), Some("Berlin"));
        assert_eq!(kept("B", "DE"), None);
        assert_eq!(kept("Ber\nlin", "DE"), None);
    }

    #[test]
    fn postal_codes_belong_to_a_country() {
        let fits = |code: &str, country: &str| {
            let mut fields = Fields::new();
            postal_code(&mut fields, "postalCode", code, country);
            fields.finish().is_ok()
        };
        assert!(fits("34710", "TR") && fits("SW1A 1AA", "GB") && fits("10115", "DE"));
        for bad in ["3471", "347100", "3471O", "٣٤٧١٠"] {
            assert!(!fits(bad, "TR"), "{bad}");
        }
        assert!(!fits("1", "DE") && !fits("1011\n5", "DE"));
    }
}
