//! A page of events folded by key: rows come as JSON texts, and leave as columns of texts, one array for each.

use crate::model::{Place, Projection};
use domain::Event;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserializer as _, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;

/// An event as the folds get it, with the key of the row that it touches.
#[derive(Debug, Clone)]
pub(crate) struct Decoded<'a> {
    pub key: String,
    pub place: &'a Place,
    pub event: &'a Event,
}

/// One column of many rows, as the database's input functions read them.
pub(crate) type Column = Vec<Option<String>>;

/// What a page makes of the rows that it touches.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    /// In the order of the model's columns; all of the same length.
    pub columns: Vec<Column>,
    pub rows: usize,
    /// Keys of rows that are there no more, or never were.
    pub gone: Vec<String>,
    /// The rows as JSON, by key, for whoever keeps them.
    pub texts: Vec<(String, String)>,
}

/// Folds a page into the rows it touches; `stored` are those that were there before, by key, as JSON. With `keep` the
/// texts of the rows come along.
pub(crate) fn page<P: Projection>(
    stored: Vec<(String, String)>,
    events: &[Decoded<'_>],
    keep: bool,
) -> Result<Folded, serde_json::Error> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(events.len());
    let mut rows: Vec<(&str, Option<P::Row>)> = Vec::with_capacity(events.len());
    let mut before: HashMap<String, String> = stored.into_iter().collect();
    for Decoded { key, place, event } in events {
        let slot = if let Some(slot) = places.get(key.as_str()) {
            *slot
        } else {
            let row = before.remove(key).map(|json| serde_json::from_str(&json)).transpose()?;
            places.insert(key, rows.len());
            rows.push((key, row));
            rows.len() - 1
        };
        let row = &mut rows[slot].1;
        *row = P::fold(row.take(), place, event);
    }
    let mut folded = Folded {
        columns: P::COLUMNS.iter().map(|_| Vec::with_capacity(rows.len())).collect(),
        ..Folded::default()
    };
    for (key, row) in rows {
        match row {
            Some(row) => {
                let text = folded.add(P::COLUMNS, &row)?;
                if keep {
                    folded.texts.push((key.to_owned(), text));
                }
            }
            None => folded.gone.push(key.to_owned()),
        }
    }
    Ok(folded)
}

impl Folded {
    /// Answers the row's text.
    pub fn add(&mut self, names: &[&str], row: &impl Serialize) -> Result<String, serde_json::Error> {
        let json = serde_json::to_string(row)?;
        let fields = serde_json::Deserializer::from_str(&json).deserialize_map(Fields { names })?;
        for (column, field) in self.columns.iter_mut().zip(fields) {
            column.push(field);
        }
        self.rows += 1;
        Ok(json)
    }
}

/// A row's fields as texts, in the order of the columns.
struct Fields<'n> {
    names: &'n [&'n str],
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Column;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a row with the fields {:?}", self.names)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Column, A::Error> {
        let mut texts: Column = vec![None; self.names.len()];
        let (mut expected, mut seen) = (0, 0);
        while let Some((name, value)) = map.next_entry::<&str, &RawValue>()? {
            // Fields usually stand in the order of the columns.
            let at = match self.names.get(expected) {
                Some(next) if *next == name => expected,
                _ => self
                    .names
                    .iter()
                    .position(|other| *other == name)
                    .ok_or_else(|| A::Error::custom(format!("the row's field {name} is no column")))?,
            };
            texts[at] = text(value.get()).map_err(A::Error::custom)?;
            expected = at + 1;
            seen += 1;
        }
        if seen == self.names.len() {
            return Ok(texts);
        }
        Err(A::Error::custom("the row lacks a field of its table"))
    }
}

/// A JSON value as the column's input function takes it: strings without quotes, everything else as it is.
fn text(json: &str) -> Result<Option<String>, serde_json::Error> {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map(Some),
        Some(b'n') => Ok(None),
        _ => Ok(Some(json.to_owned())),
    }
}
