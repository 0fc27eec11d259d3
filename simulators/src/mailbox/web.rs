//! The mails as pages, for people.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::Mailbox;
use super::mail::Mail;
use crate::html::{Slot, escape, render, text};

const STYLE: &str = include_str!("pages/style.css");
const LIST: &str = include_str!("pages/list.html");
const MAIL: &str = include_str!("pages/mail.html");
const SHOWN_MAX: usize = 200;
/// A foreign page inside ours: no scripts, no forms, links open outside.
const SANDBOX: &str = "sandbox allow-popups; script-src 'none'";

pub(super) fn routes() -> Router<Arc<Mailbox>> {
    Router::new()
        .route("/", get(list))
        .route("/mails/{id}", get(show))
        .route("/mails/{id}/html", get(html))
        .route("/mails/{id}/raw", get(raw))
}

async fn list(State(mailbox): State<Arc<Mailbox>>) -> Html<String> {
    let (mails, count) = mailbox.store.read(|ledger| {
        let newest: Vec<_> = ledger.mails.iter().rev().take(SHOWN_MAX).cloned().collect();
        (newest, ledger.mails.len())
    });
    let rows = mails.iter().fold(String::new(), |rows, mail| rows + &row(mail));
    let rows = if rows.is_empty() { "<p class=\"empty\">Henüz posta yok.</p>".to_owned() } else { rows };
    let slots = [
        ("style", Slot::Html(STYLE.to_owned())),
        ("count", text(count.to_string())),
        ("rows", Slot::Html(rows)),
    ];
    Html(render(LIST, &slots))
}

fn row(mail: &Mail) -> String {
    format!(
        "<a class=\"row\" href=\"/mails/{}\"><b>{}</b><span>{}</span><time>{}</time></a>",
        mail.id,
        escape(subject(mail)),
        escape(&mail.to.join(", ")),
        escape(&moment(mail)),
    )
}

async fn show(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    let Some(mail) = mailbox.store.read(|ledger| ledger.mail(id)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let frame = match &mail.html {
        Some(_) => {
            format!("<iframe sandbox=\"allow-popups\" title=\"HTML\" src=\"/mails/{id}/html\"></iframe>")
        }
        None => String::new(),
    };
    let date = if mail.date.is_empty() { moment(&mail) } else { mail.date.clone() };
    let slots = [
        ("style", Slot::Html(STYLE.to_owned())),
        ("subject", text(subject(&mail))),
        ("from", text(mail.from.as_str())),
        ("to", text(mail.to.join(", "))),
        ("date", text(date)),
        ("message_id", text(mail.message_id.as_str())),
        ("raw", text(format!("/mails/{id}/raw"))),
        ("frame", Slot::Html(frame)),
        ("text", Slot::Html(linked(mail.text.as_deref().unwrap_or_default()))),
    ];
    Html(render(MAIL, &slots)).into_response()
}

async fn html(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    match mailbox.store.read(|ledger| ledger.mail(id)).and_then(|mail| mail.html.clone()) {
        Some(page) => ([(CONTENT_SECURITY_POLICY, SANDBOX)], Html(page)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn raw(State(mailbox): State<Arc<Mailbox>>, Path(id): Path<u64>) -> Response {
    match mailbox.store.read(|ledger| ledger.mail(id)) {
        Some(mail) => ([(CONTENT_TYPE, "text/plain; charset=utf-8")], mail.raw.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn subject(mail: &Mail) -> &str {
    if mail.subject.is_empty() { "(konu yok)" } else { &mail.subject }
}

/// `2026-06-01 12:30:05` of `2026-06-01T12:30:05.123Z`.
fn moment(mail: &Mail) -> String {
    mail.received_at.chars().take(19).collect::<String>().replace('T', " ")
}

/// Escaped text whose addresses can be clicked.
fn linked(body: &str) -> String {
    let mut page = String::new();
    for piece in body.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let start = word.find("https://").or_else(|| word.find("http://"));
        let Some(start) = start else {
            page.push_str(&escape(piece));
            continue;
        };
        let link = word[start..].trim_end_matches(['.', ',', ')', '>', ';', '!', '"', '\'']);
        let after = &piece[start + link.len()..];
        let (before, link, after) = (escape(&word[..start]), escape(link), escape(after));
        page.extend([
            &before,
            "<a href=\"",
            &link,
            "\" target=\"_blank\" rel=\"noreferrer\">",
            &link,
            "</a>",
            &after,
        ]);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links_and_the_rest_is_escaped() {
        assert_eq!(
            linked("a<b (http://x.example/?a=1&b=2).\nson"),
            "a&lt;b (<a href=\"http://x.example/?a=1&amp;b=2\" target=\"_blank\" rel=\"noreferrer\">\
             http://x.example/?a=1&amp;b=2</a>).\nson"
        );
    }
}
