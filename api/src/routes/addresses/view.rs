//! An address as the wire has it.

use journal::tables::addresses::AddressRow;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
pub(super) struct AddressList {
    pub addresses: Vec<AddressView>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressView {
    id: Uuid,
    user_id: Uuid,
    label: Option<String>,
    full_name: String,
    #[schema(example = "+905321234567")]
    phone: String,
    line1: String,
    line2: Option<String>,
    #[schema(example = "İstanbul")]
    city: String,
    #[schema(example = "Kadıköy")]
    district_name: Option<String>,
    /// The same as `districtName`
    district: Option<String>,
    postal_code: Option<String>,
    #[schema(example = "TR")]
    country: String,
    is_default: bool,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    updated_at: OffsetDateTime,
    province_id: Option<i32>,
    town_id: Option<i32>,
    district_id: Option<i32>,
    quarter_id: Option<i32>,
}

impl From<AddressRow> for AddressView {
    fn from(row: AddressRow) -> Self {
        let content = row.content;
        Self {
            id: row.id,
            user_id: row.account_id,
            label: content.label,
            full_name: content.full_name,
            phone: content.phone,
            line1: content.line1,
            line2: content.line2,
            city: content.city,
            district: content.district_name.clone(),
            district_name: content.district_name,
            postal_code: content.postal_code,
            country: content.country,
            is_default: row.is_default,
            created_at: row.created_at,
            updated_at: row.updated_at,
            province_id: content.province_id,
            town_id: content.town_id,
            district_id: content.district_id,
            quarter_id: content.quarter_id,
        }
    }
}
