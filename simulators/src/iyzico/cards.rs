//! The published sandbox cards and what the bank says to each of them.

use serde::{Deserialize, Serialize};

/// What the bank does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Paid,
    /// Paid, but it cannot be given back.
    PaidForGood,
    /// The charge after 3-D Secure is declined with this code.
    Declined(&'static str),
    /// The 3-D Secure step ends with this `mdStatus`; only 1 may go on.
    NotVerified(i8),
    /// The bank's page cannot even be opened.
    NoThreeDs,
}

/// What an answer may tell about a card; never its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardView {
    /// First eight digits.
    pub bin_number: String,
    /// Last four digits.
    pub last_four_digits: String,
    /// `CREDIT_CARD` or `DEBIT_CARD`.
    pub card_type: String,
    /// `VISA`, `MASTER_CARD`, `AMERICAN_EXPRESS` or `TROY`.
    pub card_association: String,
    /// The bank's loyalty family.
    pub card_family: String,
    /// Not part of the provider's answers; shown on the bank page.
    pub bank: String,
}

/// A card form that was filled in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CardForm {
    pub card_holder_name: String,
    pub card_number: String,
    pub expire_month: String,
    pub expire_year: String,
    pub cvc: String,
}

const CREDIT: &str = "CREDIT_CARD";
const DEBIT: &str = "DEBIT_CARD";

/// number, bank, family, type
const PAYING: &[(&str, &str, &str, &str)] = &[
    ("5890040000000016", "Akbank", "Axess", DEBIT),
    ("5526080000000006", "Akbank", "Axess", CREDIT),
    ("9792072000017956", "Akbank", "Axess", CREDIT),
    ("4766620000000001", "Denizbank", "Bonus", DEBIT),
    ("4603450000000000", "Denizbank", "Bonus", CREDIT),
    ("4729150000000005", "Denizbank", "Bonus", CREDIT),
    ("4987490000000002", "Finansbank", "CardFinans", DEBIT),
    ("5311570000000005", "Finansbank", "CardFinans", CREDIT),
    ("9792020000000001", "Finansbank", "CardFinans", DEBIT),
    ("9792030000000000", "Finansbank", "CardFinans", CREDIT),
    ("5170410000000004", "Garanti BBVA", "Bonus", DEBIT),
    ("5400360000000003", "Garanti BBVA", "Bonus", CREDIT),
    ("374427000000003", "Garanti BBVA", "Bonus", CREDIT),
    ("4475050000000003", "Halkbank", "Paraf", DEBIT),
    ("5528790000000008", "Halkbank", "Paraf", CREDIT),
    ("4059030000000009", "HSBC", "Advantage", DEBIT),
    ("5504720000000003", "HSBC", "Advantage", CREDIT),
    ("5892830000000000", "İş Bankası", "Maximum", DEBIT),
    ("4543590000000006", "İş Bankası", "Maximum", CREDIT),
    ("4910050000000006", "VakıfBank", "World", DEBIT),
    ("4157920000000002", "VakıfBank", "World", CREDIT),
    ("5168880000000002", "Yapı Kredi", "World", DEBIT),
    ("5451030000000000", "Yapı Kredi", "World", CREDIT),
    ("4054180000000007", "Foreign Bank", "Foreign", DEBIT),
    ("5400010000000004", "Foreign Bank", "Foreign", CREDIT),
];

const SPECIAL: &[(&str, Outcome)] = &[
    ("5406670000000009", Outcome::PaidForGood),
    ("4111111111111129", Outcome::Declined("10051")),
    ("4129111111111111", Outcome::Declined("10005")),
    ("4128111111111112", Outcome::Declined("10012")),
    ("4127111111111113", Outcome::Declined("10041")),
    ("4126111111111114", Outcome::Declined("10043")),
    ("4125111111111115", Outcome::Declined("10054")),
    ("4124111111111116", Outcome::Declined("10084")),
    ("4123111111111117", Outcome::Declined("10057")),
    ("4122111111111118", Outcome::Declined("10058")),
    ("4121111111111119", Outcome::Declined("10034")),
    ("4120111111111110", Outcome::Declined("10041")),
    ("4130111111111118", Outcome::Declined("10202")),
    ("4131111111111117", Outcome::NotVerified(0)),
    ("4141111111111115", Outcome::NotVerified(4)),
    ("4151111111111112", Outcome::NoThreeDs),
    ("4151111111111393", Outcome::Declined("10093")),
];

/// A real card, or any other that is not published: the sandbox's banks do not know it.
const UNKNOWN_BIN: Outcome = Outcome::Declined("10213");

pub(crate) fn outcome(number: &str) -> Outcome {
    if PAYING.iter().any(|(known, ..)| *known == number) {
        return Outcome::Paid;
    }
    SPECIAL.iter().find(|(known, _)| *known == number).map_or(UNKNOWN_BIN, |(_, outcome)| *outcome)
}

pub(crate) fn view(number: &str) -> CardView {
    let (bank, family, card_type) = PAYING
        .iter()
        .find(|(known, ..)| *known == number)
        .map_or(("Sınama Bankası", "Sandbox", CREDIT), |(_, bank, family, kind)| (*bank, *family, *kind));
    CardView {
        bin_number: number.chars().take(8).collect(),
        last_four_digits: number.chars().skip(number.len().saturating_sub(4)).collect(),
        card_type: card_type.to_owned(),
        card_association: association(number).to_owned(),
        card_family: family.to_owned(),
        bank: bank.to_owned(),
    }
}

fn association(number: &str) -> &'static str {
    match number.as_bytes() {
        [b'4', ..] => "VISA",
        [b'3', ..] => "AMERICAN_EXPRESS",
        [b'9', ..] => "TROY",
        _ => "MASTER_CARD",
    }
}

impl CardForm {
    /// The digits, without the blanks that people type.
    pub(crate) fn number(&self) -> String {
        self.card_number.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect()
    }

    /// What the form itself finds wrong, as an error code; the bank is not asked then.
    pub(crate) fn check(&self, today: time::Date) -> Result<(), &'static str> {
        let number = self.number();
        if !(13..=19).contains(&number.len()) || !luhn(&number) {
            return Err("12");
        }
        let month: u8 =
            self.expire_month.trim().parse().ok().filter(|month| (1..=12).contains(month)).ok_or("13")?;
        let year: i32 = self.expire_year.trim().parse().map_err(|_| "14")?;
        let year = if year < 100 { 2000 + year } else { year };
        if !(2000..2100).contains(&year) {
            return Err("14");
        }
        let cvc = self.cvc.trim();
        if !(3..=4).contains(&cvc.len()) || !cvc.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("15");
        }
        if self.card_holder_name.trim().is_empty() {
            return Err("16");
        }
        if (year, month) < (today.year(), u8::from(today.month())) {
            return Err("17");
        }
        Ok(())
    }
}

fn luhn(number: &str) -> bool {
    let mut sum = 0;
    for (index, letter) in number.chars().rev().enumerate() {
        let Some(digit) = letter.to_digit(10) else { return false };
        let doubled = if index % 2 == 1 { digit * 2 } else { digit };
        sum += if doubled > 9 { doubled - 9 } else { doubled };
    }
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn form(number: &str, month: &str, year: &str, cvc: &str, holder: &str) -> CardForm {
        CardForm {
            card_holder_name: holder.to_owned(),
            card_number: number.to_owned(),
            expire_month: month.to_owned(),
            expire_year: year.to_owned(),
            cvc: cvc.to_owned(),
        }
    }

    #[test]
    fn every_published_card_passes_the_form() {
        let published = PAYING.iter().map(|card| card.0).chain(SPECIAL.iter().map(|card| card.0));
        for number in published {
            let form = form(number, "12", "2030", "123", "Ayşe Yılmaz");
            assert_eq!(form.check(date!(2026 - 06 - 01)), Ok(()), "{number}");
        }
    }

    #[test]
    fn the_form_names_what_is_wrong() {
        let today = date!(2026 - 06 - 01);
        let good = "5528 7900 0000 0008";
        assert_eq!(form(good, "06", "26", "123", "A").check(today), Ok(()));
        assert_eq!(form("5528790000000009", "06", "26", "123", "A").check(today), Err("12"));
        assert_eq!(form(good, "13", "26", "123", "A").check(today), Err("13"));
        assert_eq!(form(good, "06", "x", "123", "A").check(today), Err("14"));
        assert_eq!(form(good, "06", "26", "12", "A").check(today), Err("15"));
        assert_eq!(form(good, "06", "26", "123", " ").check(today), Err("16"));
        assert_eq!(form(good, "05", "26", "123", "A").check(today), Err("17"));
    }

    #[test]
    fn outcomes_and_views_follow_the_published_list() {
        assert_eq!(outcome("5528790000000008"), Outcome::Paid);
        assert_eq!(outcome("4111111111111129"), Outcome::Declined("10051"));
        assert_eq!(outcome("4141111111111115"), Outcome::NotVerified(4));
        assert_eq!(outcome("4111111111111111"), UNKNOWN_BIN);
        let troy = view("9792030000000000");
        assert_eq!((troy.card_association.as_str(), troy.bin_number.as_str()), ("TROY", "97920300"));
        assert_eq!(troy.last_four_digits, "0000");
    }
}
