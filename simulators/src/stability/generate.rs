//! `POST /v2beta/stable-image/generate/core`: checked, painted, charged, answered.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use axum::extract::multipart::Multipart;
use axum::extract::{ConnectInfo, FromRequest as _, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Stability;
use super::fault::{Call, Fault};
use super::form::{self, Order};
use super::ledger::{Change, Charge};
use super::picture;
use super::refusal::Refusal;
use crate::faults::Fired;
use crate::running::Peer;
use crate::{wire, world};

const CORE_CREDITS: f64 = 3.0;
const CUT_BODY_KEEP_PERCENT: usize = 50;
const CLIENT_HEADER_LETTERS_MAX: usize = 256;

/// In which form the picture is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Bytes,
    Json,
}

struct Made {
    order: Order,
    bytes: Bytes,
    finish_reason: &'static str,
    request_id: String,
}

pub(super) async fn core(
    State(provider): State<Arc<Stability>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    match arrive(&provider, &peer, Call::Core).await {
        Ok(Arrival::Answered(response)) => response,
        Ok(Arrival::Goes(struck)) => {
            let fault = struck.as_ref().map(|fired| fired.fault);
            match make(&provider, request, fault).await {
                Ok(Ok((made, wanted))) => {
                    let response = spoilt_inside(answer(made, wanted), fault);
                    match struck {
                        Some(fired) => spoilt(&fired, &peer, response).await,
                        None => response,
                    }
                }
                Ok(Err(refusal)) => refusal.into_response(),
                Err(error) => wire::unwritable(&error),
            }
        }
        Err(error) => wire::unwritable(&error),
    }
}

/// A call that was counted, and the fault that met it.
pub(super) enum Arrival {
    Answered(Response),
    Goes(Option<Fired<Fault>>),
}

pub(super) async fn arrive(provider: &Stability, peer: &Peer, call: Call) -> io::Result<Arrival> {
    provider.store.commit(|_| (vec![Change::Called(call)], ()))?;
    let struck = provider.faults.strike(call);
    let Some(fired) = struck.as_ref().filter(|fired| fired.fault.prevents()) else {
        return Ok(Arrival::Goes(struck));
    };
    Ok(Arrival::Answered(match fired.fault {
        Fault::TimeoutBefore => wire::hang_up(peer, fired.hold()).await,
        Fault::Http502Html => wire::bad_gateway(),
        Fault::RateLimited => Refusal::RateLimited.into_response(),
        _ => Refusal::Internal.into_response(),
    }))
}

async fn make(
    provider: &Stability,
    request: Request,
    fault: Option<Fault>,
) -> io::Result<Result<(Made, Wanted), Refusal>> {
    let headers = request.headers().clone();
    let checked = async {
        provider.authorize(&headers)?;
        if !provider.limiter.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now()) {
            return Err(Refusal::RateLimited);
        }
        let wanted = wanted(&headers)?;
        Ok((form::read(multipart(request).await?).await?, wanted))
    };
    let (order, wanted) = match checked.await {
        Ok(checked) => checked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if provider.store.read(|ledger| ledger.credits.unwrap_or(0.0)) < CORE_CREDITS {
        return Ok(Err(Refusal::PaymentRequired));
    }
    let blurred = fault == Some(Fault::ContentFiltered);
    let (prompt, seed, size, format) = (order.prompt.clone(), order.seed, order.size, order.format);
    let painted = tokio::task::spawn_blocking(move || picture::encoded(&prompt, seed, size, format, blurred));
    let Ok(Ok(bytes)) = painted.await else { return Ok(Err(Refusal::Internal)) };
    let finish_reason = if blurred { "CONTENT_FILTERED" } else { "SUCCESS" };
    let request_id = world::new_uuid().simple().to_string();
    let made = Made { order, bytes: bytes.into(), finish_reason, request_id };
    if !blurred && !charge(provider, &made, &headers)? {
        return Ok(Err(Refusal::PaymentRequired));
    }
    Ok(Ok((made, wanted)))
}

/// Takes the credits, unless another picture took the last ones meanwhile.
fn charge(provider: &Stability, made: &Made, headers: &HeaderMap) -> io::Result<bool> {
    let charge = Charge {
        at_ms: world::now_ms(),
        request_id: made.request_id.clone(),
        prompt_sha256: hex::encode(Sha256::digest(made.order.prompt.as_bytes())),
        seed: made.order.seed,
        user_id: header(headers, "stability-client-user-id"),
        client_id: header(headers, "stability-client-id"),
        credits: CORE_CREDITS,
    };
    provider.store.commit(|ledger| {
        let enough = ledger.credits.unwrap_or(0.0) >= CORE_CREDITS;
        (enough.then_some(Change::Charged(charge)).into_iter().collect(), enough)
    })
}

fn wanted(headers: &HeaderMap) -> Result<Wanted, Refusal> {
    for name in ["stability-client-id", "stability-client-user-id", "stability-client-version"] {
        if header(headers, name).is_some_and(|value| value.len() > CLIENT_HEADER_LETTERS_MAX) {
            return Err(Refusal::bad(format!("{name}: cannot exceed 256 characters")));
        }
    }
    match header(headers, ACCEPT.as_str()).as_deref() {
        None | Some("image/*") => Ok(Wanted::Bytes),
        Some("application/json") => Ok(Wanted::Json),
        Some(_) => Err(Refusal::bad("accept: must be 'image/*' or 'application/json'")),
    }
}

async fn multipart(request: Request) -> Result<Multipart, Refusal> {
    let content_type = header(request.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    Multipart::from_request(request, &())
        .await
        .map_err(|_| Refusal::bad(format!("content-type: must be multipart/form-data, was '{content_type}'")))
}

fn answer(made: Made, wanted: Wanted) -> Response {
    let mime = made.order.format.to_mime_type();
    let (content_type, mut response) = match wanted {
        Wanted::Bytes => (mime.to_owned(), made.bytes.into_response()),
        Wanted::Json => {
            let body = json!({
                "image": STANDARD.encode(&made.bytes),
                "finish_reason": made.finish_reason,
                "seed": made.order.seed,
            });
            (format!("application/json; type={mime}"), body.to_string().into_response())
        }
    };
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("content-type", &content_type);
    set("x-request-id", &made.request_id);
    set("finish-reason", made.finish_reason);
    set("seed", &made.order.seed.to_string());
    response
}

fn spoilt_inside(response: Response, fault: Option<Fault>) -> Response {
    match fault {
        Some(Fault::WrongContentType) => wire::mislabelled(response),
        Some(Fault::Http502After) => wire::bad_gateway(),
        _ => response,
    }
}

async fn spoilt(fired: &Fired<Fault>, peer: &Peer, response: Response) -> Response {
    match fired.fault {
        Fault::TimeoutAfter => wire::hang_up(peer, fired.hold()).await,
        Fault::CutHeaders => wire::broken_after(response, 0).await,
        Fault::CutBody => wire::broken_after(response, CUT_BODY_KEEP_PERCENT).await,
        Fault::TruncatedPicture => wire::truncated(response).await,
        Fault::SlowDrip => wire::dripping(response).await,
        Fault::Slow => {
            tokio::time::sleep(fired.hold()).await;
            response
        }
        _ => response,
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
