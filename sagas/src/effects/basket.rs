//! From our records to what a payment provider asks for: lines, buyer, addresses.

use super::EffectError;
use crate::integrations::payment::{Address, BasketLine, Buyer, LineKind};
use domain::AccountId;
use domain::order::{Line, LineKind as OrderLine};
use domain::personal::{BillingRecord, BuyerRecord, ShippingRecord};

/// What the provider accepts for a buyer whose identity number the shop does not ask for.
const IDENTITY_NUMBER: &str = "11111111111";
const COUNTRY: &str = "Turkey";

/// The provider refunds by basket line, so each line keeps an id that we can find again: its place.
pub(super) fn line((index, line): (usize, &Line)) -> Result<BasketLine, EffectError> {
    let (kind, category) = match line.kind {
        OrderLine::Cover => (LineKind::Physical, "Kapak"),
        OrderLine::MessageCard => (LineKind::Physical, "Mesaj kartı"),
        OrderLine::Shipping => (LineKind::Virtual, "Kargo"),
        OrderLine::DesignFee => (LineKind::Virtual, "Tasarım"),
    };
    let amount = line.gross().map_err(|error| EffectError::Document(error.to_string()))?;
    let name = line.description.clone();
    Ok(BasketLine { id: format!("L{}", index + 1), name, amount, kind, category: category.into() })
}

pub(super) fn shipping_address(record: &ShippingRecord) -> Address {
    Address {
        contact_name: record.receiver_name.clone(),
        line: format!("{}, {}", record.address, record.district),
        city: record.city.clone(),
        country: COUNTRY.into(),
        zip: None,
    }
}

/// What the billing record leaves open is taken from the delivery.
pub(super) fn billing_address(record: &BillingRecord, shipping: &ShippingRecord) -> Address {
    let own = |value: &Option<String>, other: &str| value.clone().unwrap_or_else(|| other.to_owned());
    let name = record.display_name();
    Address {
        contact_name: if name.is_empty() { shipping.receiver_name.clone() } else { name },
        line: format!(
            "{}, {}",
            own(&record.address, &shipping.address),
            own(&record.district, &shipping.district)
        ),
        city: own(&record.city, &shipping.city),
        country: COUNTRY.into(),
        zip: record.postal_code.clone(),
    }
}

pub(super) fn buyer(
    customer: AccountId,
    record: &BuyerRecord,
    billing: &Address,
) -> Result<Buyer, EffectError> {
    let (name, surname) = record.name.rsplit_once(' ').unwrap_or((&record.name, &record.name));
    Ok(Buyer {
        // The same at every attempt: the provider's fraud scoring lives on it.
        id: customer.to_string(),
        name: name.into(),
        surname: surname.into(),
        email: record.email.clone(),
        identity_number: IDENTITY_NUMBER.into(),
        gsm_number: record.phone.as_deref().and_then(gsm),
        ip: record.ip.parse().map_err(|_| EffectError::Missing("the buyer's network address"))?,
        registration_address: billing.line.clone(),
        city: billing.city.clone(),
        country: billing.country.clone(),
        zip: billing.zip.clone(),
    })
}

/// `+905350000000`, from the ways people write a Turkish number; an empty field is refused by the provider.
fn gsm(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let local = match digits.len() {
        10 => digits.as_str(),
        11 => digits.strip_prefix('0')?,
        12 => digits.strip_prefix("90")?,
        _ => return None,
    };
    Some(format!("+90{local}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turkish_numbers_get_one_form() {
        for written in ["0532 123 45 67", "5321234567", "+90 (532) 123 45 67"] {
            assert_eq!(gsm(written).as_deref(), Some("+905321234567"), "{written}");
        }
        assert_eq!(gsm("12"), None);
    }
}
