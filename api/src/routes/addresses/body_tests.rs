use super::*;
use crate::routes::locations::lookup;
use serde_json::{Value, json};

fn checked(body: Value, stored: Option<&Content>) -> Result<Content, Vec<(String, &'static str)>> {
    let body: AddressBody = serde_json::from_value(body).unwrap();
    body.checked(stored)
        .map_err(|problem| problem.more.fields.into_iter().map(|field| (field.field, field.code)).collect())
}

fn full(change: &Value) -> Value {
    let mut body = json!({"fullName": "Ayşe Yılmaz", "phone": "0532 123 45 67", "line1": "Moda Caddesi 5",
        "city": "İstanbul"});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn refused(change: &Value) -> Vec<(String, &'static str)> {
    checked(full(change), None).unwrap_err()
}

fn kadikoy() -> i32 {
    town("İstanbul", "Kadıköy")
}

fn town(province: &str, name: &str) -> i32 {
    let province = lookup::province(province).unwrap().unwrap();
    let towns = &lookup::places().unwrap().districts[&province.id];
    i32::try_from(towns.iter().find(|town| &*town.name == name).unwrap().id).unwrap()
}

#[test]
fn what_is_missing_is_named_at_once() {
    let missing = checked(json!({"line1": "   "}), None).unwrap_err();
    assert_eq!(
        missing.iter().map(|(name, _)| &**name).collect::<Vec<_>>(),
        ["fullName", "phone", "line1", "city"]
    );
    assert!(missing.iter().all(|(_, code)| *code == "required"));
}

#[test]
fn blanks_do_not_count() {
    let padded = json!({"label": " e ", "line1": "  Moda 5    ", "fullName": " Al "});
    let codes = refused(&padded);
    assert_eq!(
        codes,
        [("label".into(), "too_short"), ("fullName".into(), "too_short"), ("line1".into(), "too_short"),]
    );
    let kept = checked(full(&json!({"label": " ev ", "line2": " ", "postalCode": " 34710 "})), None).unwrap();
    assert_eq!(
        (kept.label.as_deref(), kept.line2, kept.postal_code.as_deref()),
        (Some("ev"), None, Some("34710"))
    );
}

#[test]
fn fields_are_checked_by_their_country() {
    let abroad = json!({"country": "de", "city": "Berlin", "postalCode": "10115", "phone": "+49 30 1234567"});
    let kept = checked(full(&abroad), None).unwrap();
    assert_eq!((&*kept.country, &*kept.city, &*kept.phone), ("DE", "Berlin", "+49301234567"));
    assert_eq!(refused(&json!({"city": "Berlin"})), [("city".into(), "province_unknown")]);
    assert_eq!(refused(&json!({"country": "XX"})), [("country".into(), "country_unknown")]);
    assert_eq!(refused(&json!({"postalCode": "3471"})), [("postalCode".into(), "postal_code_invalid")]);
    assert_eq!(refused(&json!({"phone": "12345678901"})), [("phone".into(), "phone_invalid")]);
    assert_eq!(refused(&json!({"line1": "Moda Caddesi\n5"})), [("line1".into(), "invalid_value")]);
}

#[test]
fn absent_keeps_and_null_clears() {
    let stored =
        checked(full(&json!({"label": "ev", "district": "Kadıköy", "line2": "Daire 3"})), None).unwrap();
    assert_eq!(checked(json!({}), Some(&stored)).unwrap(), stored);
    let cleared = checked(json!({"label": null, "districtName": null}), Some(&stored)).unwrap();
    assert_eq!((cleared.label, cleared.district_name, cleared.line2), (None, None, stored.line2.clone()));
    assert_eq!(checked(json!({"phone": null}), Some(&stored)).unwrap_err(), [("phone".into(), "required")]);
}

#[test]
fn a_district_has_two_names_that_must_be_one() {
    let stored = checked(full(&json!({"district": "Kadıköy"})), None).unwrap();
    for change in [
        json!({"district": "Üsküdar"}),
        json!({"districtName": "Üsküdar"}),
        json!({"district": null, "districtName": "Üsküdar"}),
        json!({"district": "Üsküdar", "districtName": " "}),
        json!({"district": "Üsküdar", "districtName": "Üsküdar"}),
    ] {
        let kept = checked(change.clone(), Some(&stored)).unwrap();
        assert_eq!(kept.district_name.as_deref(), Some("Üsküdar"), "{change}");
    }
    // Also when one of them is what was there.
    for both in [
        json!({"district": "Üsküdar", "districtName": "Kadıköy"}),
        json!({"district": "Kadıköy", "districtName": "Üsküdar"}),
    ] {
        assert_eq!(checked(both, Some(&stored)).unwrap_err(), [("district".into(), "values_differ")]);
    }
    assert_eq!(refused(&json!({"district": "K"})), [("district".into(), "too_short")]);
}

#[test]
fn ids_of_places_fit_the_address() {
    let kept = checked(full(&json!({"townId": kadikoy()})), None).unwrap();
    assert_eq!((kept.district_name.as_deref(), kept.province_id), (Some("Kadıköy"), Some(34)));
    assert_eq!((kept.town_id, kept.district_id), (Some(kadikoy()), Some(kadikoy())));
    for (change, field) in [
        (json!({"provinceId": 6}), "provinceId"),
        (json!({"townId": town("Ankara", "Çankaya")}), "townId"),
        (json!({"townId": kadikoy(), "district": "Üsküdar"}), "townId"),
        (json!({"townId": kadikoy(), "districtId": 1}), "districtId"),
        (json!({"districtId": -1}), "districtId"),
        (json!({"quarterId": 1}), "quarterId"),
        (json!({"country": "DE", "city": "Berlin", "provinceId": 34}), "provinceId"),
    ] {
        assert_eq!(refused(&change), [(field.into(), "place_mismatch")], "{change}");
    }
}

/// A request that is repeated, because its answer was lost, must not undo itself.
#[test]
fn the_same_request_twice_leaves_the_same_address() {
    let start = checked(full(&json!({"provinceId": 34, "townId": kadikoy()})), None).unwrap();
    let (uskudar, cankaya) = (town("İstanbul", "Üsküdar"), town("Ankara", "Çankaya"));
    let ids = [json!(null), json!(kadikoy()), json!(uskudar), json!(cankaya)];
    let names = [json!(null), json!("Kadıköy"), json!("Üsküdar"), json!("Çankaya")];
    let keys = [("townId", &ids), ("districtId", &ids), ("districtName", &names), ("district", &names)];
    let mut moved = 0;
    // Each key absent, or with one of its values.
    for choice in 0..5_usize.pow(4) {
        let mut body = json!({"city": if choice % 2 == 0 { "İstanbul" } else { "Ankara" }});
        for (place, (key, values)) in keys.iter().enumerate() {
            if let Some(value) = values.get(choice / 5_usize.pow(u32::try_from(place).unwrap()) % 5) {
                body[*key] = value.clone();
            }
        }
        let Ok(once) = checked(body.clone(), Some(&start)) else { continue };
        moved += usize::from(once != start);
        assert_eq!(checked(body.clone(), Some(&once)).as_ref(), Ok(&once), "{body}");
    }
    assert!(moved > 50, "{moved}");
}

#[test]
fn ids_go_when_the_address_moves() {
    let stored = checked(full(&json!({"provinceId": 34, "townId": kadikoy()})), None).unwrap();
    let ids = |change: Value| {
        let kept = checked(change, Some(&stored)).unwrap();
        (kept.province_id, kept.town_id, kept.district_id)
    };
    assert_eq!(ids(json!({"label": "ev"})), (Some(34), Some(kadikoy()), Some(kadikoy())));
    assert_eq!(ids(json!({"district": "Üsküdar"})), (Some(34), None, None));
    assert_eq!(ids(json!({"district": null})), (Some(34), None, None));
    assert_eq!(ids(json!({"city": "Ankara"})), (None, None, None));
    assert_eq!(ids(json!({"townId": null})), (Some(34), None, None));
    let uskudar = town("İstanbul", "Üsküdar");
    let moved = checked(json!({"townId": uskudar}), Some(&stored)).unwrap();
    assert_eq!((moved.town_id, moved.district_name.as_deref()), (Some(uskudar), Some("Üsküdar")));
}
