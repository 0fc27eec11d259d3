//! Iyzico's JSON, field by field. Only fields of its schema are sent; absent ones are left out, never null.

use domain::Money;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::super::{Address, BasketLine, Buyer, CheckoutRequest, LineKind, Locale};
use super::amount::Amount;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutBody {
    locale: &'static str,
    conversation_id: String,
    price: String,
    basket_id: String,
    payment_group: &'static str,
    buyer: BuyerBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressBody>,
    billing_address: AddressBody,
    basket_items: Vec<ItemBody>,
    callback_url: String,
    currency: &'static str,
    paid_price: String,
    /// `[1]`: paid at once, so that the amount paid must be the amount asked for.
    enabled_installments: [u8; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuyerBody {
    id: String,
    name: String,
    surname: String,
    identity_number: String,
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    gsm_number: Option<String>,
    registration_address: String,
    city: String,
    country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip_code: Option<String>,
    ip: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddressBody {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip_code: Option<String>,
    contact_name: String,
    city: String,
    country: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemBody {
    id: String,
    price: String,
    name: String,
    category1: String,
    item_type: &'static str,
}

impl CheckoutBody {
    /// `None` when an amount cannot be asked for.
    pub fn of(request: &CheckoutRequest) -> Option<Self> {
        let price = positive(request.amount)?;
        Some(Self {
            locale: match request.locale {
                Locale::Tr => "tr",
                Locale::En => "en",
            },
            conversation_id: request.payment_id.to_string(),
            basket_id: request.order_id.to_string(),
            payment_group: "PRODUCT",
            buyer: BuyerBody::of(&request.buyer),
            shipping_address: request.shipping_address.as_ref().map(AddressBody::of),
            billing_address: AddressBody::of(&request.billing_address),
            basket_items: request.lines.iter().map(ItemBody::of).collect::<Option<_>>()?,
            callback_url: request.callback_url.to_string(),
            currency: request.amount.currency.code(),
            paid_price: price.clone(),
            price,
            enabled_installments: [1],
        })
    }
}

/// Zero-price lines are refused by the provider.
fn positive(money: Money) -> Option<String> {
    Amount::of(money).filter(|_| money.minor > 0).map(|amount| amount.in_request())
}

/// An empty optional field is a published cause of "invalid signature".
fn filled(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).cloned()
}

impl BuyerBody {
    fn of(buyer: &Buyer) -> Self {
        Self {
            id: buyer.id.clone(),
            name: buyer.name.clone(),
            surname: buyer.surname.clone(),
            identity_number: buyer.identity_number.clone(),
            email: buyer.email.clone(),
            gsm_number: filled(buyer.gsm_number.as_ref()),
            registration_address: buyer.registration_address.clone(),
            city: buyer.city.clone(),
            country: buyer.country.clone(),
            zip_code: filled(buyer.zip.as_ref()),
            ip: buyer.ip.to_string(),
        }
    }
}

impl AddressBody {
    fn of(address: &Address) -> Self {
        Self {
            address: address.line.clone(),
            zip_code: filled(address.zip.as_ref()),
            contact_name: address.contact_name.clone(),
            city: address.city.clone(),
            country: address.country.clone(),
        }
    }
}

impl ItemBody {
    fn of(line: &BasketLine) -> Option<Self> {
        Some(Self {
            id: line.id.clone(),
            price: positive(line.amount)?,
            name: line.name.clone(),
            category1: line.category.clone(),
            item_type: match line.kind {
                LineKind::Physical => "PHYSICAL",
                LineKind::Virtual => "VIRTUAL",
            },
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetrieveBody<'a> {
    pub locale: &'static str,
    pub conversation_id: String,
    pub token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DetailBody {
    pub locale: &'static str,
    pub conversation_id: String,
    pub payment_conversation_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelBody<'a> {
    pub locale: &'static str,
    pub conversation_id: String,
    pub payment_id: &'a str,
}

/// A JSON text or number, kept as it was written: amounts, ids and codes come as either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireText(pub String);

impl<'de> Deserialize<'de> for WireText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') {
            return serde_json::from_str(raw.get()).map(Self).map_err(serde::de::Error::custom);
        }
        Ok(Self(raw.get().to_owned()))
    }
}

/// `""` for an absent field, as the signature wants it.
pub fn text(field: Option<&WireText>) -> &str {
    field.map_or("", |text| text.0.as_str())
}

/// The union of the answers that we read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    pub status: Option<String>,
    pub error_code: Option<WireText>,
    pub error_message: Option<String>,
    pub conversation_id: Option<WireText>,
    pub signature: Option<String>,
    pub token: Option<String>,
    pub token_expire_time: Option<u64>,
    pub payment_page_url: Option<String>,
    pub payment_id: Option<WireText>,
    pub payment_status: Option<WireText>,
    pub fraud_status: Option<WireText>,
    pub price: Option<WireText>,
    pub paid_price: Option<WireText>,
    pub currency: Option<WireText>,
    pub basket_id: Option<WireText>,
    pub installment: Option<WireText>,
    pub card_association: Option<String>,
    pub card_family: Option<String>,
    pub last_four_digits: Option<String>,
    pub item_transactions: Option<Vec<ItemTransaction>>,
    pub host_reference: Option<WireText>,
    pub cancel_host_reference: Option<WireText>,
    pub payments: Option<Vec<ReportedPayment>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ItemTransaction {
    pub item_id: Option<WireText>,
    pub payment_transaction_id: Option<WireText>,
    pub paid_price: Option<WireText>,
}

/// A row of the payment report; its cancellations are not described further, so any of these will do.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportedPayment {
    pub payment_id: Option<WireText>,
    pub payment_refund_status: Option<WireText>,
    pub cancels: Option<Vec<ReportedCancel>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportedCancel {
    pub cancel_host_reference: Option<WireText>,
    pub host_reference: Option<WireText>,
    pub refund_status: Option<WireText>,
    pub cancel_status: Option<WireText>,
}

impl Answer {
    pub fn succeeded(&self) -> bool {
        self.status.as_deref() == Some("success")
    }

    pub fn code(&self) -> &str {
        text(self.error_code.as_ref())
    }

    /// What signs the opening of a page.
    pub fn opening_fields(&self) -> [&str; 2] {
        [text(self.conversation_id.as_ref()), self.token.as_deref().unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_keep_their_writing() {
        let answer: Answer = serde_json::from_str(
            r#"{"price":149.90,"paidPrice":"149.90","errorCode":10051,"paymentId":null}"#,
        )
        .unwrap();
        assert_eq!(text(answer.price.as_ref()), "149.90");
        assert_eq!(text(answer.paid_price.as_ref()), "149.90");
        assert_eq!(answer.code(), "10051");
        assert_eq!(answer.payment_id, None);
    }
}
