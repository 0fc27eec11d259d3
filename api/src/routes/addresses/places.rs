//! The ids of province, town, district and quarter: set when they are sent, dropped when the address moves away from them.
//! What is sent has to fit together; nothing here depends on what was stored before but what is absent, so that the same
//! request twice leaves the same address.

use crate::Problem;
use crate::error::Fields;
use crate::routes::locations::lookup;
use crate::routes::postal::country::TURKIYE;
use crate::routes::postal::patch::Patch;
use journal::tables::addresses::Content;

/// As they were sent.
pub(super) struct PlaceIds {
    pub province: Patch<i32>,
    pub town: Patch<i32>,
    pub district: Patch<i32>,
    pub quarter: Patch<i32>,
}

/// What the request says of the district's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum District {
    Absent,
    Cleared,
    Named,
}

/// An id that may be kept: what was sent has to fit, what was stored only stays if it does.
#[derive(Clone, Copy)]
struct Candidate {
    id: Option<i32>,
    sent: bool,
}

impl Candidate {
    fn of(sent: Patch<i32>, stored: Option<i32>) -> Self {
        match sent {
            Some(id) => Self { id, sent: id.is_some() },
            None => Self { id: stored, sent: false },
        }
    }
}

/// Sets the ids of `content`, whose city and country are canonical, and its district from the town where it has none.
pub(super) fn set(
    fields: &mut Fields,
    content: &mut Content,
    sent: &PlaceIds,
    stored: Option<&Content>,
    district: District,
) -> Result<(), Problem> {
    let of_city = if content.country == TURKIYE { lookup::province(&content.city)? } else { None };
    let province = Candidate::of(sent.province, stored.and_then(|it| it.province_id));
    let is_city = |id: &i32| of_city.is_some_and(|city| i64::from(city.id) == i64::from(*id));
    let kept_province = province.id.filter(is_city);
    refuse_unfit(fields, "provinceId", province, kept_province.is_some());

    let (town_key, sent_town) = one_town(fields, sent.town, sent.district);
    let town = Candidate::of(sent_town, stored.and_then(|it| it.town_id));
    let found = match (of_city, town.id) {
        (Some(city), Some(id)) => lookup::town(city.id, id)?,
        _ => None,
    };
    // Whoever sends a town alone moves there; with a name beside it, the two must be one.
    let moves = town.sent && district == District::Absent;
    let found = found.filter(|found| match &content.district_name {
        Some(name) => moves || lookup::same_name(name, &found.name),
        None => town.sent || district == District::Absent,
    });
    refuse_unfit(fields, town_key, town, found.is_some());

    let quarter = Candidate::of(sent.quarter, stored.and_then(|it| it.quarter_id));
    let kept_quarter = match (found, quarter.id) {
        (Some(town), Some(id)) => lookup::quarter(town.id, id)?.map(|_| id),
        _ => None,
    };
    refuse_unfit(fields, "quarterId", quarter, kept_quarter.is_some());

    if let (Some(found), true) = (found, moves || content.district_name.is_none()) {
        content.district_name = Some(found.name.to_string());
    }
    content.town_id = town.id.filter(|_| found.is_some());
    content.district_id = content.town_id;
    content.quarter_id = kept_quarter;
    // A town is in its province.
    let of_town = of_city.filter(|_| found.is_some()).and_then(|city| i32::try_from(city.id).ok());
    content.province_id = kept_province.or(of_town);
    Ok(())
}

/// A town's only district is the town itself, so the two ids are one, under whichever key it was sent.
fn one_town(fields: &mut Fields, town: Patch<i32>, district: Patch<i32>) -> (&'static str, Patch<i32>) {
    match (town, district) {
        (Some(Some(town)), Some(Some(district))) => {
            fields.require(town == district, "districtId", "place_mismatch");
            ("townId", Some(Some(town)))
        }
        (None | Some(None), Some(Some(district))) => ("districtId", Some(Some(district))),
        (Some(town), _) => ("townId", Some(town)),
        (None, district) => ("districtId", district),
    }
}

fn refuse_unfit(fields: &mut Fields, key: &str, candidate: Candidate, fits: bool) {
    fields.require(fits || !candidate.sent, key, "place_mismatch");
}
