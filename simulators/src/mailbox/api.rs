//! The mails as JSON, for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use super::Mailbox;
use super::ledger::Change;
use super::mail::Mail;
use crate::wire;

pub(super) fn routes() -> Router<Arc<Mailbox>> {
    Router::new()
        .route("/api/mails", get(list).delete(clear))
        .route("/api/mails/{id}", get(one))
        .route("/api/counts", get(counts))
}

/// All that is given must hold.
#[derive(Deserialize)]
struct Filter {
    /// An envelope recipient, whatever its case.
    to: Option<String>,
    /// A part of the subject.
    subject: Option<String>,
    /// Exactly, with or without angle brackets.
    message_id: Option<String>,
}

impl Filter {
    fn holds(&self, mail: &Mail) -> bool {
        let bare = |id: &str| id.trim_matches(['<', '>']).to_owned();
        self.to.as_ref().is_none_or(|to| mail.to.iter().any(|known| known.eq_ignore_ascii_case(to)))
            && self.subject.as_ref().is_none_or(|part| mail.subject.contains(part.as_str()))
            && self.message_id.as_ref().is_none_or(|id| bare(id) == bare(&mail.message_id))
    }
}

async fn list(State(mailbox): State<Arc<Mailbox>>, Query(filter): Query<Filter>) -> Json<Vec<Mail>> {
    Json(mailbox.store.read(|ledger| {
        ledger.mails.iter().filter(|mail| filter.holds(mail)).map(|mail| Mail::clone(mail)).collect()
    }))
}

async fn one(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    match mailbox.store.read(|ledger| ledger.mail(id)) {
        Some(mail) => Json(Mail::clone(&mail)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn clear(State(mailbox): State<Arc<Mailbox>>) -> Response {
    match mailbox.store.commit(|_| (vec![Change::Cleared], ())) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => wire::unwritable(&error),
    }
}

async fn counts(State(mailbox): State<Arc<Mailbox>>) -> Json<BTreeMap<String, u32>> {
    Json(mailbox.store.read(|ledger| ledger.counts.clone()))
}
