//! The shapes of personal records. They are kept outside the journal (see [`crate::PersonalRef`]), written by the
//! API and read by the sagas, and can be erased. Keys are those of the HTTP contract.

use serde::{Deserialize, Serialize};

/// Kind `shipping`: who sends, who receives, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShippingRecord {
    pub sender_name: String,
    pub sender_phone: String,
    pub receiver_name: String,
    pub receiver_phone: String,
    pub city: String,
    pub district: String,
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
}

/// Kind `billing`: every field is optional in the contract; a company has all three tax fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BillingRecord {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub phone: Option<String>,
    pub city: Option<String>,
    pub district: Option<String>,
    pub address: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    pub tax_number: Option<String>,
    pub tax_office: Option<String>,
    pub company_name: Option<String>,
}

/// Kind `buyer`: what the payment provider must know about who pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuyerRecord {
    pub name: String,
    pub email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Address of the client that asked to pay.
    pub ip: String,
}

/// Kind `message`: the words on the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl BillingRecord {
    /// The same person and place as the delivery.
    pub fn same_as(shipping: &ShippingRecord) -> Self {
        let (first, last) = shipping.receiver_name.split_once(' ').unwrap_or((&shipping.receiver_name, ""));
        Self {
            kind: Some("personal".into()),
            first_name: Some(first.into()),
            last_name: Some(last.into()).filter(|last: &String| !last.is_empty()),
            phone: Some(shipping.receiver_phone.clone()),
            city: Some(shipping.city.clone()),
            district: Some(shipping.district.clone()),
            address: Some(shipping.address.clone()),
            country: Some("TR".into()),
            ..Self::default()
        }
    }

    /// Company, or first and last name.
    pub fn display_name(&self) -> String {
        if let Some(company) = &self.company_name {
            return company.clone();
        }
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}
