//! Failures asked for in advance: "the next two retrieves are answered with 502".
//!
//! The queue lives in memory only; it steers a test and is no state of the provider.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use serde::{Deserialize, Serialize};

use crate::world;

/// How long a connection is held before a fault that needs time gives up, unless the order says so.
const HOLD_MS_DEFAULT: u64 = 2_000;

/// A kind of failure of one simulator.
pub trait Fault: Copy + Eq + fmt::Debug + Serialize + DeserializeOwned + Send + 'static {
    /// The calls of that simulator.
    type Call: Copy + Eq + fmt::Debug + Serialize + DeserializeOwned + Send + 'static;

    /// Whether the failure means something at this call; an order without a call waits for one.
    fn fits(self, _call: Self::Call) -> bool {
        true
    }
}

/// An order: the fault hits the next `times` calls. In JSON
/// `{"call": "retrieve", "fault": "slow:250", "times": 2}`; without `call` it hits any fitting
/// call, without `times` once, and the number behind the colon is `argument`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Order<F::Call>", bound(deserialize = "F: Fault"))]
pub struct Planned<F: Fault> {
    /// Which call, or any.
    pub call: Option<F::Call>,
    /// What goes wrong.
    pub fault: F,
    /// Milliseconds or a code, as the fault defines.
    pub argument: Option<u64>,
    /// How many calls are still to be hit.
    pub times: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order<C> {
    call: Option<C>,
    fault: String,
    times: Option<u32>,
}

impl<F: Fault> TryFrom<Order<F::Call>> for Planned<F> {
    type Error = NameError;

    fn try_from(order: Order<F::Call>) -> Result<Self, NameError> {
        let (name, argument) = match order.fault.split_once(':') {
            Some((name, number)) => {
                let number = number.parse().map_err(|_| {
                    serde::de::Error::custom("a fault's argument is a whole number, as in `slow:250`")
                })?;
                (name, Some(number))
            }
            None => (order.fault.as_str(), None),
        };
        let name: StrDeserializer<'_, NameError> = name.into_deserializer();
        let fault = F::deserialize(name)?;
        Ok(Self { call: order.call, fault, argument, times: order.times.unwrap_or(1) })
    }
}

/// A fault that has hit a call.
#[derive(Clone, Debug, Serialize)]
pub struct Fired<F: Fault> {
    /// The call that was hit.
    pub call: F::Call,
    /// What went wrong.
    pub fault: F,
    /// Milliseconds or a code, as the fault defines.
    pub argument: Option<u64>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

impl<F: Fault> Fired<F> {
    /// The argument as a time to wait.
    pub(crate) fn hold(&self) -> Duration {
        Duration::from_millis(self.argument.unwrap_or(HOLD_MS_DEFAULT))
    }
}

/// What is still to come and what has hit, as `GET /_control/faults` answers.
#[derive(Clone, Debug, Serialize)]
pub struct Report<F: Fault> {
    /// Orders that still wait for calls.
    pub queued: VecDeque<Planned<F>>,
    /// Hits, oldest first.
    pub fired: Vec<Fired<F>>,
}

/// The orders of one simulator, first come first served.
pub struct FaultQueue<F: Fault> {
    inner: Mutex<Report<F>>,
}

impl<F: Fault> Default for FaultQueue<F> {
    fn default() -> Self {
        Self { inner: Mutex::new(Report { queued: VecDeque::new(), fired: Vec::new() }) }
    }
}

impl<F: Fault> FaultQueue<F> {
    /// Orders a fault for the next call of this kind.
    pub fn once(&self, call: F::Call, fault: F) {
        self.order(Planned { call: Some(call), fault, argument: None, times: 1 });
    }

    /// Orders a fault.
    pub fn order(&self, planned: Planned<F>) {
        self.lock().queued.push_back(planned);
    }

    /// Forgets what is queued and what has fired.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.queued.clear();
        inner.fired.clear();
    }

    /// What is queued and what has fired.
    pub fn report(&self) -> Report<F> {
        self.lock().clone()
    }

    /// Takes the first order that concerns this call and records the hit.
    pub(crate) fn strike(&self, call: F::Call) -> Option<Fired<F>> {
        let mut inner = self.lock();
        let index = inner.queued.iter().position(|planned| {
            planned.times > 0 && planned.call.is_none_or(|wanted| wanted == call) && planned.fault.fits(call)
        })?;
        let planned = &mut inner.queued[index];
        planned.times -= 1;
        let fired = Fired { call, fault: planned.fault, argument: planned.argument, at_ms: world::now_ms() };
        if planned.times == 0 {
            inner.queued.remove(index);
        }
        inner.fired.push(fired.clone());
        Some(fired)
    }

    fn lock(&self) -> MutexGuard<'_, Report<F>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `/_control/faults`: GET the report, POST an order, DELETE both lists.
pub(crate) fn control<F: Fault>(queue: Arc<FaultQueue<F>>) -> Router {
    let routes = get(report::<F>).post(order::<F>).delete(clear::<F>);
    Router::new().route("/_control/faults", routes).with_state(queue)
}

async fn report<F: Fault>(State(queue): State<Arc<FaultQueue<F>>>) -> Json<Report<F>> {
    Json(queue.report())
}

async fn order<F: Fault>(
    State(queue): State<Arc<FaultQueue<F>>>,
    Json(planned): Json<Planned<F>>,
) -> (StatusCode, Json<Report<F>>) {
    queue.order(planned);
    (StatusCode::CREATED, Json(queue.report()))
}

async fn clear<F: Fault>(State(queue): State<Arc<FaultQueue<F>>>) -> StatusCode {
    queue.clear();
    StatusCode::NO_CONTENT
}
