//! One signed call: counted, checked, acted on, signed, and spoilt where a fault was ordered.

use std::io;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::envelope::{self, Answer, Failure, Outcome};
use super::fault::{Call, Fault};
use super::ledger::Change;
use super::signature::{self, Stranger};
use super::{Iyzico, initialize, queries, reversal};
use crate::faults::Fired;
use crate::running::Peer;
use crate::wire;

const CUT_BODY_KEEP_PERCENT: usize = 50;

pub(super) fn routes() -> Router<Arc<Iyzico>> {
    Router::new()
        .route("/payment/test", call(Call::Test))
        .route("/payment/iyzipos/checkoutform/initialize/auth/ecom", call(Call::Initialize))
        .route("/payment/iyzipos/checkoutform/auth/ecom/detail", call(Call::Retrieve))
        .route("/payment/detail", call(Call::Detail))
        .route("/payment/cancel", call(Call::Cancel))
        .route("/payment/refund", call(Call::Refund))
        .route("/v2/reporting/payment/details", call(Call::Report))
}

fn call(call: Call) -> MethodRouter<Arc<Iyzico>> {
    let method = match call {
        Call::Test | Call::Report => MethodFilter::GET,
        _ => MethodFilter::POST,
    };
    on(
        method,
        move |State(provider): State<Arc<Iyzico>>,
              ConnectInfo(peer): ConnectInfo<Peer>,
              method: Method,
              uri: Uri,
              headers: HeaderMap,
              body: Bytes| async move {
            let received = Received { call, method, uri, headers, body };
            answer(&provider, &peer, &received).await.unwrap_or_else(|error| wire::unwritable(&error))
        },
    )
}

struct Received {
    call: Call,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

async fn answer(provider: &Iyzico, peer: &Peer, received: &Received) -> io::Result<Response> {
    provider.store.commit(|_| (vec![Change::Called(received.call)], ()))?;
    let struck = provider.faults.strike(received.call);
    if let Some(fired) = &struck
        && let Some(response) = instead(fired, peer).await
    {
        return Ok(response);
    }
    let request = read(received);
    let outcome = match check(provider, received) {
        Ok(()) => act(provider, received.call, &request, struck.as_ref())?,
        Err(failure) => Err(failure),
    };
    let fault = struck.as_ref().map(|fired| fired.fault);
    let body = match outcome {
        Ok(answer) => sign(provider, answer, &request, fault),
        Err(failure) => envelope::failure(failure, &request),
    };
    let response = Json(body).into_response();
    Ok(match struck {
        Some(fired) => spoilt(&fired, peer, response).await,
        None => response,
    })
}

/// Faults that keep the provider from acting.
async fn instead(fired: &Fired<Fault>, peer: &Peer) -> Option<Response> {
    match fired.fault {
        Fault::TimeoutBefore => Some(wire::hang_up(peer, fired.hold()).await),
        Fault::Http502Html => Some(wire::bad_gateway()),
        Fault::Error500 => {
            let body = envelope::failure(Failure::new("1"), &json!({}));
            Some((StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response())
        }
        _ => None,
    }
}

/// Faults that hit the answer on its way.
async fn spoilt(fired: &Fired<Fault>, peer: &Peer, response: Response) -> Response {
    match fired.fault {
        Fault::TimeoutAfter => wire::hang_up(peer, fired.hold()).await,
        Fault::CutBody => wire::broken_after(response, CUT_BODY_KEEP_PERCENT).await,
        Fault::Slow => {
            tokio::time::sleep(fired.hold()).await;
            response
        }
        _ => response,
    }
}

/// The JSON body, or for a GET its query; `Null` when it is neither.
fn read(received: &Received) -> Value {
    if received.method == Method::GET {
        let query = received.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        return pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect::<Map<_, _>>().into();
    }
    serde_json::from_slice(&received.body).unwrap_or(Value::Null)
}

fn check(provider: &Iyzico, received: &Received) -> Result<(), Failure> {
    let header = received.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let (path, body) = (received.uri.path(), &received.body);
    signature::check_request(header, path, body, &provider.api_key, &provider.secret_key).map_err(
        |stranger| {
            Failure::new(match stranger {
                Stranger::Signature => "1000",
                Stranger::Key => "1001",
            })
        },
    )
}

fn act(provider: &Iyzico, call: Call, request: &Value, struck: Option<&Fired<Fault>>) -> io::Result<Outcome> {
    if let Some(fired) = struck.filter(|fired| fired.fault == Fault::BusinessError) {
        return Ok(Err(Failure::new(fired.argument.unwrap_or(50_000).to_string())));
    }
    if !request.is_object() {
        return Ok(Err(Failure::new("11")));
    }
    Ok(match call {
        Call::Test => Ok(Answer { body: Map::new(), signed: &[] }),
        Call::Initialize => initialize::initialize(provider, request)?,
        Call::Retrieve => queries::retrieve(provider, request),
        Call::Detail => queries::detail(provider, request),
        Call::Report => queries::report(provider, request),
        Call::Cancel => reversal::cancel(provider, request)?,
        Call::Refund => reversal::refund(provider, request)?,
    })
}

/// Falsified answers are signed like true ones: only comparing what they say reveals them.
fn sign(provider: &Iyzico, answer: Answer, request: &Value, fault: Option<Fault>) -> Map<String, Value> {
    let mut body = answer.body;
    envelope::wrap(&mut body, "success", request);
    if let Some(fault) = fault {
        fault.falsify(&mut body);
    }
    if answer.signed.is_empty() || fault == Some(Fault::MissingSignature) {
        return body;
    }
    let key = if fault == Some(Fault::BadSignature) { "somebody-elses-key" } else { &provider.secret_key };
    let signature = signature::of_answer(key, &body, answer.signed);
    body.insert("signature".into(), json!(signature));
    body
}
