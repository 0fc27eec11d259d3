//! The messages: as a page for people, as JSON for tests.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use time::OffsetDateTime;

use super::Twilio;
use super::ledger::{Ledger, Message};
use crate::html::{Slot, escape, render, text};

const STYLE: &str = include_str!("../mailbox/pages/style.css");
const LIST: &str = include_str!("pages/list.html");
const SHOWN_MAX: usize = 200;

pub(super) fn routes() -> Router<Arc<Twilio>> {
    Router::new()
        .route("/", get(list))
        .route("/api/messages", get(messages))
        .route("/_control/ledger", get(ledger))
}

#[derive(Deserialize)]
struct Filter {
    /// In E.164, exactly.
    to: Option<String>,
}

async fn messages(State(provider): State<Arc<Twilio>>, Query(filter): Query<Filter>) -> Json<Vec<Message>> {
    let wanted = |message: &&Message| filter.to.as_ref().is_none_or(|to| *to == message.to);
    Json(provider.store.read(|ledger| ledger.messages.iter().filter(wanted).cloned().collect()))
}

async fn ledger(State(provider): State<Arc<Twilio>>) -> Json<Ledger> {
    Json(provider.store.read(Ledger::clone))
}

async fn list(State(provider): State<Arc<Twilio>>) -> Html<String> {
    let (rows, count) = provider.store.read(|ledger| {
        let rows = ledger.messages.iter().rev().take(SHOWN_MAX).map(row).collect::<String>();
        (rows, ledger.messages.len())
    });
    let rows = if rows.is_empty() { "<p class=\"empty\">Henüz mesaj yok.</p>".to_owned() } else { rows };
    let slots = [
        ("style", Slot::Html(STYLE.to_owned())),
        ("count", text(count.to_string())),
        ("rows", Slot::Html(rows)),
    ];
    Html(render(LIST, &slots))
}

fn row(message: &Message) -> String {
    format!(
        "<div class=\"row\"><b>{}</b><span>{}</span><time>{}</time></div>",
        escape(&message.body),
        escape(&message.to),
        moment(message.at_ms),
    )
}

/// `12:30:05` UTC.
fn moment(at_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at_ms / 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = at.to_hms();
    format!("{hour:02}:{minute:02}:{second:02}")
}
