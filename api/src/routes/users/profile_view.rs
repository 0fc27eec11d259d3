//! A profile as the wire has it.

use super::standing::Standing;
use domain::account::Role;
use journal::tables::profiles::ProfileRow;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileView {
    user_id: Uuid,
    #[schema(example = "+905321234567")]
    phone: Option<String>,
    #[serde(serialize_with = "crate::timestamp::serialize_option")]
    phone_verified_at: Option<OffsetDateTime>,
    company: Option<String>,
    address1: Option<String>,
    address2: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
    #[schema(value_type = Option<Object>)]
    preferences: Option<Value>,
    is_artist: bool,
    #[serde(serialize_with = "crate::timestamp::serialize_option")]
    revenue_share_accepted_at: Option<OffsetDateTime>,
    #[serde(flatten)]
    designer: DesignerWords,
}

/// What designers tell of themselves; none of it is kept yet.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DesignerWords {
    specialization: Option<String>,
    artist_bio: Option<String>,
    is_available: bool,
    iban: Option<String>,
    behance_url: Option<String>,
    dribbble_url: Option<String>,
    linkedin_url: Option<String>,
    website_url: Option<String>,
}

impl Default for DesignerWords {
    fn default() -> Self {
        Self {
            specialization: None,
            artist_bio: None,
            is_available: true,
            iban: None,
            behance_url: None,
            dribbble_url: None,
            linkedin_url: None,
            website_url: None,
        }
    }
}

impl ProfileView {
    pub fn of(row: ProfileRow, role: Role, standing: &Standing) -> Self {
        let details = row.details;
        Self {
            user_id: row.account_id,
            phone: details.phone,
            phone_verified_at: row.phone_verified_at,
            company: details.company,
            address1: details.address1,
            address2: details.address2,
            city: details.city,
            state: details.state,
            postal_code: details.postal_code,
            country: details.country,
            preferences: details.preferences.map(|preferences| preferences.0),
            is_artist: role == Role::Designer,
            revenue_share_accepted_at: standing.revenue_share_accepted_at,
            designer: DesignerWords::default(),
        }
    }
}
