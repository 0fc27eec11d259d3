//! All that does not fit a body, where the parser stops at the first: what it refuses is noted, put right in a copy, and
//! the copy is looked at again.

use super::body::data_problem;
use super::keyed::Keyed;
use crate::Problem;
use crate::error::FieldError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::VecDeque;
use uuid::Uuid;

/// Larger bodies have the first named alone: they would be looked at too often.
const BYTES_MAX: usize = 16 * 1024;
const FIELDS_MAX: usize = 32;
const LOOKS_MAX: usize = 64;

/// A refusal of the parser: its problem, and its own words.
struct Refusal {
    problem: Problem,
    words: String,
}

/// Adds to the problem of the first what else does not fit.
pub(super) fn complete<T: DeserializeOwned>(mut first: Problem, bytes: &[u8]) -> Problem {
    if bytes.len() > BYTES_MAX {
        return first;
    }
    let Ok(mut body) = serde_json::from_slice(bytes) else { return first };
    for _ in 0..LOOKS_MAX {
        let Some(refusal) = refusal::<T>(&body) else { break };
        let Some(field) = refusal.problem.more.fields.first().cloned() else { break };
        let known = &mut first.more.fields;
        if !known.iter().any(|one| one.field == field.field || holds(&one.field, &field.field)) {
            known.push(field.clone());
        }
        if known.len() >= FIELDS_MAX || !put_right::<T>(&mut body, &field, &refusal.words) {
            break;
        }
    }
    named_alike(first)
}

/// The code does not depend on the order of the keys: what is unknown goes first.
fn named_alike(mut problem: Problem) -> Problem {
    let unknown = problem.more.fields.iter().find(|field| field.code == "unknown_field");
    if let Some(name) = unknown.map(|field| field.field.clone()) {
        problem.code = "unknown_field";
        problem = problem.with_member("field", name);
    }
    problem
}

/// Whatever a field has inside is wrong along with it.
fn holds(field: &str, inner: &str) -> bool {
    inner.strip_prefix(field).is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn refusal<T: DeserializeOwned>(body: &Value) -> Option<Refusal> {
    let error = serde_path_to_error::deserialize::<_, Keyed<T>>(body).err()?;
    let words = error.to_string();
    Some(Refusal { problem: data_problem(&words), words })
}

/// Takes away what is unknown, and puts something in the place of the rest that the parser does not refuse there: one of
/// each kind, then what it says that it would take, such as the names of an enum.
fn put_right<T: DeserializeOwned>(body: &mut Value, field: &FieldError, words: &str) -> bool {
    // A key that looks like a path is not found by it.
    if words.split('`').nth(1).is_some_and(|name| name.contains(['.', '[', ']'])) {
        return false;
    }
    let pointer = field.pointer();
    let Some((parent, key)) = pointer.rsplit_once('/') else { return false };
    let key = key.replace("~1", "/").replace("~0", "~");
    if field.code == "unknown_field" {
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
        return parent.is_some_and(|parent| parent.remove(&key).is_some());
    }
    let mut candidates: VecDeque<_> =
        [json!(""), json!(0), json!(false), json!([]), json!({}), Value::Null, json!(Uuid::nil())].into();
    let mut asked = false;
    while let Some(candidate) = candidates.pop_front() {
        if !set(body, parent, &key, candidate) {
            return false;
        }
        let Some(next) = refusal::<T>(body) else { return true };
        if next.problem.more.fields.first().is_none_or(|next| next.field != field.field) {
            return true;
        }
        if !asked {
            asked = true;
            candidates.extend(next.words.split('`').skip(1).step_by(2).map(|name| json!(name)));
        }
    }
    false
}

fn set(body: &mut Value, parent: &str, key: &str, value: Value) -> bool {
    match body.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.insert(key.to_owned(), value);
            true
        }
        Some(Value::Array(items)) => match key.parse().ok().and_then(|index: usize| items.get_mut(index)) {
            Some(item) => {
                *item = value;
                true
            }
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::object;
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form matters")]
    struct Place {
        city: String,
        number: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its form matters")]
    struct Wish {
        id: Uuid,
        size: Size,
        agreed: bool,
        #[serde(deserialize_with = "object")]
        place: Place,
        words: Vec<String>,
        note: Option<String>,
    }

    fn named(body: &Value) -> Vec<(String, &'static str)> {
        let bytes = serde_json::to_vec(body).unwrap();
        let Some(first) = refusal::<Wish>(body) else { return vec![] };
        let fields = complete::<Wish>(first.problem, &bytes).more.fields;
        fields.into_iter().map(|field| (field.field, field.code)).collect()
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let missing = ["id", "size", "agreed", "place", "words"].map(|field| (field.to_owned(), "required"));
        let mut found = named(&json!({}));
        found.sort_by_key(|(field, _)| missing.iter().position(|one| one.0 == *field));
        assert_eq!(found, missing);
    }

    #[test]
    fn what_is_unknown_missing_and_of_another_kind_is_named_together() {
        let mut found = named(&json!({
            "id": "x", "size": "huge", "agreed": "yes", "place": {"city": 5, "colour": 1}, "words": ["a", 7],
            "note": [], "more": null,
        }));
        found.sort();
        let expected = [
            ("agreed", "invalid_value"),
            ("id", "invalid_value"),
            ("more", "unknown_field"),
            ("note", "invalid_value"),
            ("place.city", "invalid_value"),
            ("place.colour", "unknown_field"),
            ("place.number", "required"),
            ("size", "invalid_value"),
            ("words[1]", "invalid_value"),
        ];
        assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn an_unknown_key_names_the_problem_wherever_it_stands() {
        for body in [r#"{"more":1}"#, r#"{"note":5,"more":1}"#] {
            let first = refusal::<Wish>(&serde_json::from_str(body).unwrap()).unwrap().problem;
            let problem = complete::<Wish>(first, body.as_bytes());
            assert_eq!((problem.code, &problem.more.members["field"]), ("unknown_field", &json!("more")));
        }
    }

    #[test]
    fn a_key_that_looks_like_a_path_takes_nothing_else_away() {
        let place = json!({"city": "Van", "number": 1});
        let body = json!({"id": Uuid::nil(), "size": "small", "agreed": true, "place": place, "words": [],
            "place.city": 1});
        assert_eq!(named(&body), [("place.city".to_owned(), "unknown_field")]);
    }

    #[test]
    fn what_cannot_be_put_right_ends_the_search() {
        assert_eq!(named(&json!([1])), [(String::new(), "invalid_value")]);
        let many: serde_json::Map<_, _> = (0..100).map(|n| (format!("k{n}"), Value::Null)).collect();
        assert_eq!(named(&many.into()).len(), FIELDS_MAX);
        let first = Problem::field("a", "required");
        let large = vec![b' '; BYTES_MAX + 1];
        assert_eq!(complete::<Wish>(first, &large).more.fields.len(), 1);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        let key = prop_oneof![
            prop::sample::select(vec!["id", "size", "place", "city", "words", "note"])
                .prop_map(str::to_owned),
            "[a-z./~\\[\\]]{0,6}",
        ];
        leaf.prop_recursive(3, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_body_ends_with_each_field_named_once(body in any_json()) {
            let mut fields: Vec<_> = named(&body).into_iter().map(|(field, _)| field).collect();
            prop_assert!(fields.len() <= FIELDS_MAX);
            fields.sort();
            let count = fields.len();
            fields.dedup();
            prop_assert_eq!(fields.len(), count);
        }
    }
}
