//! The body of `POST /addresses` and `PUT /addresses/{id}`, and what it must be like.

use super::places::{self, District, PlaceIds};
use crate::Problem;
use crate::error::Fields;
use crate::routes::postal::bounds::{self, optional, text};
use crate::routes::postal::country::{self, TURKIYE};
use crate::routes::postal::patch::{self, Patch, ReadOnly, given};
use crate::routes::postal::{phone, place};
use journal::tables::addresses::Content;
use serde::Deserialize;
use utoipa::ToSchema;

const LABEL_CHARS_MAX: usize = 60;
const NAME_CHARS_MAX: usize = 120;
const PHONE_CHARS_MIN: usize = 10;
const PHONE_CHARS_MAX: usize = 20;
const LINE_CHARS_MAX: usize = 200;
const DISTRICT_CHARS_MAX: usize = 50;

/// Lengths are those of the text without the blanks around it. An address that was read can be sent back as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AddressBody {
    /// 2 to 60 characters
    #[serde(default, deserialize_with = "given")]
    label: Patch<String>,
    /// Required; 3 to 120 characters: letters, spaces, apostrophes, hyphens, dots
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "Ayşe Yılmaz")]
    full_name: Patch<String>,
    /// Required; 10 to 20 characters. Kept and answered as E.164
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "0532 123 45 67")]
    phone: Patch<String>,
    /// Required; 10 to 200 characters
    #[serde(default, deserialize_with = "given")]
    line1: Patch<String>,
    /// At most 200 characters
    #[serde(default, deserialize_with = "given")]
    line2: Patch<String>,
    /// Required; in Türkiye one of the 81 provinces, elsewhere 2 to 100 characters
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "İstanbul")]
    city: Patch<String>,
    /// 2 to 50 characters
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "Kadıköy")]
    district_name: Patch<String>,
    /// The same as `districtName`
    #[serde(default, deserialize_with = "given")]
    district: Patch<String>,
    /// In Türkiye five digits
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "34710")]
    postal_code: Patch<String>,
    /// ISO 3166-1 alpha-2; `TR` when absent
    #[serde(default, deserialize_with = "given")]
    #[schema(example = "TR")]
    country: Patch<String>,
    pub is_default: Option<bool>,
    /// Of the province that `city` names
    #[serde(default, deserialize_with = "given")]
    province_id: Patch<i32>,
    /// Of the town that `districtName` names; names it where `districtName` is absent
    #[serde(default, deserialize_with = "given")]
    town_id: Patch<i32>,
    /// The same as `townId`
    #[serde(default, deserialize_with = "given")]
    district_id: Patch<i32>,
    /// Of a quarter of that town
    #[serde(default, deserialize_with = "given")]
    quarter_id: Patch<i32>,
    #[serde(rename = "id", default)]
    _id: ReadOnly,
    #[serde(rename = "userId", default)]
    _user_id: ReadOnly,
    #[serde(rename = "createdAt", default)]
    _created_at: ReadOnly,
    #[serde(rename = "updatedAt", default)]
    _updated_at: ReadOnly,
}

impl AddressBody {
    /// The address after the request; `stored` is what it was before.
    pub fn checked(self, stored: Option<&Content>) -> Result<Content, Problem> {
        let mut fields = Fields::new();
        let label = patch::text(self.label, stored.and_then(|it| it.label.as_ref()));
        optional(&mut fields, "label", label.as_ref(), 2, LABEL_CHARS_MAX);
        let full_name = required(&mut fields, "fullName", self.full_name, stored.map(|it| &it.full_name));
        if let Some(name) = &full_name {
            bounds::person(&mut fields, "fullName", name, 3, NAME_CHARS_MAX);
        }
        let phone = required(&mut fields, "phone", self.phone, stored.map(|it| &it.phone));
        let phone = phone.map(|phone| canonical_phone(&mut fields, phone));
        let line1 = required(&mut fields, "line1", self.line1, stored.map(|it| &it.line1));
        if let Some(line) = &line1 {
            text(&mut fields, "line1", line, 10, LINE_CHARS_MAX);
        }
        let line2 = patch::text(self.line2, stored.and_then(|it| it.line2.as_ref()));
        optional(&mut fields, "line2", line2.as_ref(), 1, LINE_CHARS_MAX);
        let country = canonical_country(&mut fields, self.country, stored);
        let city = required(&mut fields, "city", self.city, stored.map(|it| &it.city));
        let city = match city {
            Some(city) => place::city(&mut fields, "city", city, &country)?,
            None => String::new(),
        };
        let postal_code = patch::text(self.postal_code, stored.and_then(|it| it.postal_code.as_ref()));
        if let Some(code) = &postal_code {
            place::postal_code(&mut fields, "postalCode", code, &country);
        }
        let (district_name, district) = district(&mut fields, self.district_name, self.district, stored);
        let mut content = Content {
            label,
            full_name: full_name.unwrap_or_default(),
            phone: phone.unwrap_or_default(),
            line1: line1.unwrap_or_default(),
            line2,
            city,
            district_name,
            postal_code,
            country,
            province_id: None,
            town_id: None,
            district_id: None,
            quarter_id: None,
        };
        let sent = PlaceIds {
            province: self.province_id,
            town: self.town_id,
            district: self.district_id,
            quarter: self.quarter_id,
        };
        places::set(&mut fields, &mut content, &sent, stored, district)?;
        fields.finish()?;
        Ok(content)
    }
}

/// Not there before, or taken away: either way it is missing.
fn required(fields: &mut Fields, name: &str, sent: Patch<String>, stored: Option<&String>) -> Option<String> {
    let text = patch::text(sent, stored);
    fields.require(text.is_some(), name, "required");
    text
}

fn canonical_phone(fields: &mut Fields, typed: String) -> String {
    fields.length("phone", &typed, PHONE_CHARS_MIN, PHONE_CHARS_MAX);
    // The canonical form has to fit as well: it is what comes back.
    let canonical = phone::e164(&typed).filter(|canonical| canonical.len() >= PHONE_CHARS_MIN);
    fields.require(canonical.is_some(), "phone", "phone_invalid");
    canonical.unwrap_or(typed)
}

fn canonical_country(fields: &mut Fields, sent: Patch<String>, stored: Option<&Content>) -> String {
    let Some(typed) = patch::text(sent, stored.map(|it| &it.country)) else { return TURKIYE.to_owned() };
    let known = country::canonical(&typed);
    fields.require(known.is_some(), "country", "country_unknown");
    known.map_or(typed, str::to_owned)
}

/// The key has two names. Two texts must be one, and a text counts before a null: what depended on the name that is stored
/// would move the address back when the same request came twice.
fn district(
    fields: &mut Fields,
    name: Patch<String>,
    alias: Patch<String>,
    stored: Option<&Content>,
) -> (Option<String>, District) {
    let absent = name.is_none() && alias.is_none();
    let (from_name, from_alias) = (patch::text(name, None), patch::text(alias, None));
    let differ = from_name.is_some() && from_alias.is_some() && from_name != from_alias;
    fields.require(!differ, "district", "values_differ");
    let key = if from_name.is_some() { "districtName" } else { "district" };
    let sent = from_name.or(from_alias);
    optional(fields, key, sent.as_ref(), 2, DISTRICT_CHARS_MAX);
    match (sent, absent) {
        (None, true) => (stored.and_then(|it| it.district_name.clone()), District::Absent),
        (None, false) => (None, District::Cleared),
        (sent, _) => (sent, District::Named),
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
