//! The body of `PUT /users/me`, and what it must be like.

use crate::Problem;
use crate::error::Fields;
use crate::routes::postal::bounds::{self, optional};
use crate::routes::postal::patch::{self, Patch, ReadOnly, given};
use crate::routes::postal::{country, phone, place};
use journal::tables::profiles::Details;
use serde::Deserialize;
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;

const NAME_CHARS_MAX: usize = 100;
const LINE_CHARS_MAX: usize = 200;
const PLACE_CHARS_MAX: usize = 100;
/// Of the preferences, as JSON without blanks.
const PREFERENCES_BYTES_MAX: usize = 16 * 1024;

/// All of it optional: absent keeps, null clears. A profile that was read can be sent back as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ProfileBody {
    /// The person's name, 2 to 100 characters
    #[serde(default, deserialize_with = "given")]
    name: Patch<String>,
    /// At most 30 characters. Kept and answered as E.164; another number has to be verified again
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "0532 123 45 67")]
    phone: Patch<String>,
    /// At most 100 characters
    #[serde(default, deserialize_with = "given")]
    company: Patch<String>,
    /// At most 200 characters
    #[serde(default, deserialize_with = "given")]
    address1: Patch<String>,
    /// At most 200 characters
    #[serde(default, deserialize_with = "given")]
    address2: Patch<String>,
    /// With country `TR` one of the 81 provinces, otherwise 2 to 100 characters
    #[serde(default, deserialize_with = "given")]
    city: Patch<String>,
    /// At most 100 characters
    #[serde(default, deserialize_with = "given")]
    state: Patch<String>,
    /// With country `TR` five digits
    #[serde(default, deserialize_with = "given")]
    postal_code: Patch<String>,
    /// ISO 3166-1 alpha-2
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "TR")]
    country: Patch<String>,
    /// Any object of at most 16 KiB; replaced as a whole
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    preferences: Patch<Value>,
    #[serde(rename = "userId", default)]
    _user_id: ReadOnly,
    #[serde(rename = "phoneVerifiedAt", default)]
    _phone_verified_at: ReadOnly,
    #[serde(rename = "isArtist", default)]
    _is_artist: ReadOnly,
    #[serde(rename = "revenueShareAcceptedAt", default)]
    _revenue_share_accepted_at: ReadOnly,
    #[serde(rename = "specialization", default)]
    _specialization: ReadOnly,
    #[serde(rename = "artistBio", default)]
    _artist_bio: ReadOnly,
    #[serde(rename = "isAvailable", default)]
    _is_available: ReadOnly,
    #[serde(rename = "iban", default)]
    _iban: ReadOnly,
    #[serde(rename = "behanceUrl", default)]
    _behance_url: ReadOnly,
    #[serde(rename = "dribbbleUrl", default)]
    _dribbble_url: ReadOnly,
    #[serde(rename = "linkedinUrl", default)]
    _linkedin_url: ReadOnly,
    #[serde(rename = "websiteUrl", default)]
    _website_url: ReadOnly,
}

/// The profile after the request, and the name if it was sent.
pub(super) struct Changed {
    pub details: Details,
    pub name: Patch<String>,
}

impl ProfileBody {
    pub fn checked(self, stored: &Details) -> Result<Changed, Problem> {
        let mut fields = Fields::new();
        let name = self.name.map(|name| patch::text(Some(name), None));
        optional(&mut fields, "name", name.as_ref().and_then(Option::as_ref), 2, NAME_CHARS_MAX);
        let phone = canonical_phone(&mut fields, self.phone, stored);
        let mut line = |key, sent, stored: &Option<String>, max| {
            let line = patch::text(sent, stored.as_ref());
            optional(&mut fields, key, line.as_ref(), 1, max);
            line
        };
        let company = line("company", self.company, &stored.company, NAME_CHARS_MAX);
        let address1 = line("address1", self.address1, &stored.address1, LINE_CHARS_MAX);
        let address2 = line("address2", self.address2, &stored.address2, LINE_CHARS_MAX);
        let state = line("state", self.state, &stored.state, PLACE_CHARS_MAX);
        let country = canonical_country(&mut fields, self.country, stored);
        // Where no country is said, any country's form will do.
        let of = country.as_deref().unwrap_or_default();
        let city = patch::text(self.city, stored.city.as_ref());
        let city = city.map(|city| place::city(&mut fields, "city", city, of)).transpose()?;
        let postal_code = patch::text(self.postal_code, stored.postal_code.as_ref());
        if let Some(code) = &postal_code {
            place::postal_code(&mut fields, "postalCode", code, of);
        }
        let preferences = match self.preferences {
            None => stored.preferences.clone(),
            Some(sent) => sent.map(|sent| checked_preferences(&mut fields, sent)).transpose()?.map(Json),
        };
        fields.finish()?;
        let details =
            Details { phone, company, address1, address2, city, state, postal_code, country, preferences };
        Ok(Changed { details, name })
    }
}

fn canonical_phone(fields: &mut Fields, sent: Patch<String>, stored: &Details) -> Option<String> {
    let typed = patch::text(sent, stored.phone.as_ref())?;
    fields.length("phone", &typed, 1, bounds::PHONE_CHARS_MAX);
    let canonical = phone::e164(&typed);
    fields.require(canonical.is_some(), "phone", "phone_invalid");
    canonical
}

fn canonical_country(fields: &mut Fields, sent: Patch<String>, stored: &Details) -> Option<String> {
    let typed = patch::text(sent, stored.country.as_ref())?;
    let known = country::canonical(&typed);
    fields.require(known.is_some(), "country", "country_unknown");
    known.map(str::to_owned)
}

fn checked_preferences(fields: &mut Fields, sent: Value) -> Result<Value, Problem> {
    let bytes = serde_json::to_vec(&sent).map_err(Problem::internal)?.len();
    if bytes > PREFERENCES_BYTES_MAX {
        fields.refuse_value("preferences", "too_many_bytes", PREFERENCES_BYTES_MAX);
    }
    // The database keeps no NUL.
    fields.require(sent.is_object() && !has_nul(&sent), "preferences", "invalid_value");
    Ok(sent)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(body: Value, stored: &Details) -> Result<Changed, Vec<(String, &'static str)>> {
        let body: ProfileBody = serde_json::from_value(body).unwrap();
        body.checked(stored).map_err(|problem| {
            problem.more.fields.into_iter().map(|field| (field.field, field.code)).collect()
        })
    }

    #[test]
    fn absent_keeps_and_null_clears() {
        let full = json!({"name": " Ayşe ", "phone": "0532 123 45 67", "company": "Kapak", "country": "tr",
            "city": "IZMIR", "postalCode": "35000", "preferences": {"emailNotifications": false}});
        let first = checked(full, &Details::default()).unwrap();
        assert_eq!(first.name, Some(Some("Ayşe".into())));
        let stored = first.details;
        assert_eq!((stored.city.as_deref(), stored.country.as_deref()), (Some("İzmir"), Some("TR")));
        assert_eq!(stored.phone.as_deref(), Some("+905321234567"));
        let kept = checked(json!({}), &stored).unwrap();
        assert_eq!((kept.details, kept.name), (stored.clone(), None));
        let cleared = checked(json!({"name": null, "company": null, "preferences": null}), &stored).unwrap();
        assert_eq!(cleared.name, Some(None));
        assert_eq!(cleared.details, Details { company: None, preferences: None, ..stored });
    }

    #[test]
    fn wrong_fields_are_named() {
        let long = "x".repeat(201);
        for (change, field, code) in [
            (json!({"name": " A "}), "name", "too_short"),
            (json!({"phone": "1234567"}), "phone", "phone_invalid"),
            (json!({"company": "x".repeat(101)}), "company", "too_long"),
            (json!({"address1": long}), "address1", "too_long"),
            (json!({"address2": "a\0b"}), "address2", "invalid_value"),
            (json!({"country": "T"}), "country", "country_unknown"),
            (json!({"country": "TR", "city": "Berlin"}), "city", "province_unknown"),
            (json!({"country": "TR", "postalCode": "1"}), "postalCode", "postal_code_invalid"),
            (json!({"preferences": [1]}), "preferences", "invalid_value"),
            (json!({"preferences": {"a": [{"b\0": 1}]}}), "preferences", "invalid_value"),
            (json!({"preferences": {"a": "x".repeat(16 * 1024)}}), "preferences", "too_many_bytes"),
        ] {
            let Err(refused) = checked(change.clone(), &Details::default()) else { panic!("{change}") };
            assert_eq!(refused, [(field.into(), code)], "{change}");
        }
    }
}
