//! Which place is meant.

use super::data::{PLACES, Place, Places};
use crate::Problem;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The province of this name, in any case and with or without accents.
pub fn province(name: &str) -> Result<Option<&'static Place>, Problem> {
    Ok(places()?.provinces.iter().find(|province| same_name(&province.name, name)))
}

/// The town with this id, if the province has it.
pub fn town(province: u32, id: i32) -> Result<Option<&'static Place>, Problem> {
    Ok(child(places()?.districts.get(&province), id))
}

/// The quarter with this id, if the town has it.
pub fn quarter(town: u32, id: i32) -> Result<Option<&'static Place>, Problem> {
    Ok(child(places()?.neighbourhoods.get(&town), id))
}

fn child(children: Option<&'static Vec<Place>>, id: i32) -> Option<&'static Place> {
    children.into_iter().flatten().find(|place| i64::from(place.id) == i64::from(id))
}

pub fn places() -> Result<&'static Places, Problem> {
    PLACES.as_ref().map_err(|error| Problem::internal(error.to_string()))
}

pub fn same_name(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

/// Without case and accents; the two i of Turkish are one.
fn folded(name: &str) -> String {
    let bare = name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    bare.map(|c| if c == 'ı' { 'i' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_below_its_parent_alone() {
        let istanbul = province("istanbul").unwrap().unwrap();
        let kadikoy = PLACES.as_ref().unwrap().districts[&istanbul.id]
            .iter()
            .find(|town| same_name(&town.name, "KADIKÖY"))
            .unwrap();
        let id = i32::try_from(kadikoy.id).unwrap();
        assert_eq!(town(istanbul.id, id).unwrap(), Some(kadikoy));
        for (of, id) in [(6, id), (istanbul.id, -1), (istanbul.id, i32::MAX), (82, id)] {
            assert_eq!(town(of, id).unwrap(), None);
        }
        let caferaga = PLACES.as_ref().unwrap().neighbourhoods[&kadikoy.id]
            .iter()
            .find(|quarter| same_name(&quarter.name, "caferağa"))
            .unwrap();
        let id = i32::try_from(caferaga.id).unwrap();
        assert_eq!(quarter(kadikoy.id, id).unwrap(), Some(caferaga));
        assert_eq!(quarter(istanbul.id, id).unwrap(), None);
    }

    #[test]
    fn no_two_provinces_look_alike() {
        let mut names: Vec<String> =
            PLACES.as_ref().unwrap().provinces.iter().map(|place| folded(&place.name)).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 81);
    }
}
