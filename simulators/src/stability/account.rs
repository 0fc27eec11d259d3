//! Balance and account, and what is outside the provider's protocol.

use std::sync::{Arc, PoisonError};

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Stability;
use super::fault::{Call, Fault};
use super::generate::{Arrival, arrive};
use super::ledger::{Change, Ledger};
use crate::running::Peer;
use crate::wire;

const INDEX: &str = "<!doctype html><html lang=\"tr\"><meta charset=\"utf-8\"><title>Stability simülatörü</title>\
    <style>body{font:16px/1.6 system-ui,sans-serif;max-width:640px;margin:60px auto;padding:0 20px;\
    color:#1d2433}a{color:#2563c9}</style><h1>Stability simülatörü</h1><p>Görsel sağlayıcısının yerel \
    vekili: aynı HTTP protokolünü konuşur, resimleri kendi çizer. Kayıtlar: \
    <a href=\"/_control/ledger\">ledger</a>, <a href=\"/_control/faults\">faults</a>.</p></html>";

pub(super) fn routes() -> Router<Arc<Stability>> {
    Router::new()
        .route("/", get(|| async { Html(INDEX) }))
        .route("/v1/user/balance", get(balance))
        .route("/v1/user/account", get(account))
        .route("/_control/ledger", get(ledger))
        .route("/_control/credits", post(set_credits))
        .route("/_control/limiter", delete(reset_limiter))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credits {
    credits: f64,
}

async fn balance(
    State(provider): State<Arc<Stability>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Response {
    let credits = provider.store.read(|ledger| ledger.credits.unwrap_or(0.0));
    look(&provider, &peer, &headers, Call::Balance, json!({ "credits": credits })).await
}

async fn account(
    State(provider): State<Arc<Stability>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Response {
    let organization = json!({ "id": "org-local", "name": "Polikrami", "role": "OWNER", "is_default": true });
    let body = json!({
        "id": "user-local",
        "email": "stability@polikrami.example",
        "profile_picture": "",
        "organizations": [organization],
    });
    look(&provider, &peer, &headers, Call::Account, body).await
}

async fn look(provider: &Stability, peer: &Peer, headers: &HeaderMap, call: Call, body: Value) -> Response {
    match arrive(provider, peer, call).await {
        Ok(Arrival::Answered(response)) => response,
        Ok(Arrival::Goes(struck)) => {
            if let Some(fired) = struck.filter(|fired| fired.fault == Fault::Slow) {
                tokio::time::sleep(fired.hold()).await;
            }
            match provider.authorize(headers) {
                Ok(()) => Json(body).into_response(),
                Err(refusal) => refusal.into_response(),
            }
        }
        Err(error) => wire::unwritable(&error),
    }
}

async fn ledger(State(provider): State<Arc<Stability>>) -> Json<Ledger> {
    Json(provider.store.read(Ledger::clone))
}

async fn set_credits(State(provider): State<Arc<Stability>>, Json(set): Json<Credits>) -> Response {
    match provider.store.commit(|_| (vec![Change::Credits(set.credits)], ())) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => wire::unwritable(&error),
    }
}

async fn reset_limiter(State(provider): State<Arc<Stability>>) -> StatusCode {
    provider.limiter.lock().unwrap_or_else(PoisonError::into_inner).reset();
    StatusCode::NO_CONTENT
}
