//! What is the same wherever a person writes a name, a phone number or a place: address book, profile, delivery.
//!
//! | module | what it is |
//! |---|---|
//! | [`bounds`] | lengths and characters of a field |
//! | [`country`] | ISO 3166-1 |
//! | [`phone`] | numbers as people write them, and their one canonical form |
//! | [`place`] | city and postal code, by country |
//! | [`patch`] | absent, null, or a value |

pub mod bounds;
pub mod country;
pub mod patch;
pub mod phone;
pub mod place;
