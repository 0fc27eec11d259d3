//! The body of a problem, as it goes over the wire and into the description.

use super::{FieldError, Problem, catalogue};
use crate::extract::Locale;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// RFC 9457 problem details, and the keys of the replaced system.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:polikrami:problem:` and the code
    #[schema(example = "urn:polikrami:problem:email_in_use")]
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words
    pub title: String,
    #[schema(example = 409)]
    pub status: u16,
    /// What happened, in the language of `Accept-Language`
    pub detail: String,
    /// Stable; the only key to compare with
    #[schema(example = "email_in_use")]
    pub code: String,
    /// Id of the request; quote it when asking for help
    pub instance: String,
    /// The same as `detail`
    pub message: String,
    /// Only when fields did not fit: their texts
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<FieldTexts>,
    /// Only when fields did not fit: each with a code of its own
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pointers: Vec<Pointer>,
    /// What some codes have beside: `field`, `retryAfter`, `limit`, `max`, `need`, `reasons`
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldTexts {
    pub form_errors: Vec<String>,
    pub field_errors: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Pointer {
    #[schema(example = "/email")]
    pub pointer: String,
    #[schema(example = "email_invalid")]
    pub code: String,
    pub detail: String,
}

impl ProblemBody {
    pub fn new(problem: &Problem, locale: Locale, request_id: &str) -> Self {
        let detail = problem
            .more
            .detail
            .clone()
            .unwrap_or_else(|| catalogue::text(problem.code, problem.status, locale).to_owned());
        Self {
            kind: format!("urn:polikrami:problem:{}", problem.code),
            title: catalogue::title(problem.status, locale).to_owned(),
            status: problem.status.as_u16(),
            message: detail.clone(),
            detail,
            code: problem.code.to_owned(),
            instance: request_id.to_owned(),
            errors: (!problem.more.fields.is_empty()).then(|| FieldTexts::new(&problem.more.fields, locale)),
            pointers: problem.more.fields.iter().map(|field| Pointer::new(field, locale)).collect(),
            members: problem.more.members.clone(),
        }
    }
}

impl FieldTexts {
    fn new(fields: &[FieldError], locale: Locale) -> Self {
        let mut texts = Self::default();
        for field in fields {
            let text = catalogue::field_text(field, locale);
            if field.field.is_empty() {
                texts.form_errors.push(text);
            } else {
                texts.field_errors.entry(field.field.clone()).or_default().push(text);
            }
        }
        texts
    }
}

impl Pointer {
    fn new(field: &FieldError, locale: Locale) -> Self {
        Self {
            pointer: field.pointer(),
            code: field.code.to_owned(),
            detail: catalogue::field_text(field, locale),
        }
    }
}
