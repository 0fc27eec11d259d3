//! What is outside the provider's protocol: looking into it and setting it up for a test.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::amount::turkish;
use super::ledger::{Change, Ledger};
use super::{Iyzico, webhook};
use crate::html::{Slot, escape, render};
use crate::wire;

const DAY_MS: i64 = 86_400_000;

pub(super) fn routes() -> Router<Arc<Iyzico>> {
    Router::new()
        .route("/", get(index))
        .route("/_control/ledger", get(ledger))
        .route("/_control/settings", post(settings))
        .route("/_control/checkout", post(change_checkout))
        .route("/_control/webhook", get(webhook_settings).put(set_webhook))
        .route("/_control/webhook/send", post(send_webhook))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// For pages opened from now on.
    token_life_s: i64,
}

/// Changes to an existing checkout; what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    token: String,
    /// Closes the page now.
    #[serde(default)]
    expire: bool,
    /// -1, 0 or 1, from now on.
    fraud_status: Option<i8>,
    /// Moves the payment into the past, so that it can no longer be cancelled.
    backdate_days: Option<i64>,
}

#[derive(Deserialize)]
struct Named {
    token: String,
}

async fn ledger(State(provider): State<Arc<Iyzico>>) -> Json<Ledger> {
    Json(provider.store.read(Ledger::clone))
}

async fn settings(State(provider): State<Arc<Iyzico>>, Json(settings): Json<Settings>) -> StatusCode {
    provider.token_life_ms.store(settings.token_life_s * 1000, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}

async fn change_checkout(State(provider): State<Arc<Iyzico>>, Json(patch): Json<Patch>) -> Response {
    let committed = provider.store.commit(|ledger| {
        let Some(mut checkout) = ledger.checkouts.get(&patch.token).cloned() else {
            return (Vec::new(), StatusCode::NOT_FOUND);
        };
        if patch.expire {
            checkout.expires_ms = checkout.created_ms;
        }
        let back_ms = patch.backdate_days.unwrap_or(0) * DAY_MS;
        if let Some(payment) = &mut checkout.payment {
            payment.fraud_status = patch.fraud_status.unwrap_or(payment.fraud_status);
            payment.decided_ms = payment.decided_ms.map(|ms| ms - back_ms);
        }
        (vec![Change::Checkout(Box::new(checkout))], StatusCode::NO_CONTENT)
    });
    committed.map_or_else(|error| wire::unwritable(&error), IntoResponse::into_response)
}

async fn webhook_settings(State(provider): State<Arc<Iyzico>>) -> Json<webhook::Settings> {
    Json(provider.webhooks.settings())
}

async fn set_webhook(
    State(provider): State<Arc<Iyzico>>,
    Json(settings): Json<webhook::Settings>,
) -> StatusCode {
    provider.webhooks.set(settings);
    StatusCode::NO_CONTENT
}

async fn send_webhook(State(provider): State<Arc<Iyzico>>, Json(named): Json<Named>) -> StatusCode {
    let checkout = provider.store.read(|ledger| ledger.checkouts.get(&named.token).cloned());
    match checkout.map(|checkout| webhook::announce(&provider, &checkout)) {
        Some(true) => StatusCode::ACCEPTED,
        Some(false) => StatusCode::CONFLICT,
        None => StatusCode::NOT_FOUND,
    }
}

async fn index(State(provider): State<Arc<Iyzico>>) -> Html<String> {
    let mut checkouts = provider.store.read(|ledger| ledger.checkouts.values().cloned().collect::<Vec<_>>());
    checkouts.sort_by_key(|checkout| std::cmp::Reverse(checkout.created_ms));
    let rows = checkouts.iter().take(100).fold(String::new(), |rows, checkout| {
        let (status, charges) = match &checkout.payment {
            Some(payment) => (payment.status.name(), payment.charges),
            None => ("-", 0),
        };
        let order = escape(checkout.basket_id.as_deref().unwrap_or("-"));
        let amount = escape(&turkish(checkout.paid_price, &checkout.currency));
        let token = &checkout.token;
        format!(
            "{rows}<tr><td>{order}</td><td>{amount}</td><td>{status}</td><td>{charges}</td>\
             <td><a href=\"/checkout/{token}\">aç</a></td></tr>"
        )
    });
    let style = Slot::Html(include_str!("pages/style.css").to_owned());
    Html(render(include_str!("pages/index.html"), &[("style", style), ("rows", Slot::Html(rows))]))
}
