//! How requests were answered: by route, never by path, so that no stranger can make series. Names, labels and buckets
//! are the contract's.

use super::serve::Crowding;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Instant;

/// Seconds.
const BUCKETS: [f64; 8] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0];
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

type Labels = Vec<(&'static str, String)>;

/// Since the start of this process; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct HttpMetrics {
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    pub crowding: Crowding,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        Self { requests: Family::default(), durations, crowding: Crowding::default() }
    }
}

impl HttpMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests that were answered";
        registry.register("polikrami_http_requests", help, self.requests.clone());
        let help = "From a request's head to the head of its answer";
        registry.register("polikrami_http_request_duration_seconds", help, self.durations.clone());
        let help = "Connections of callers";
        registry.register("polikrami_http_connections", help, self.crowding.open.clone());
        let help = "Connections that had to leave for others, all places being taken";
        registry.register("polikrami_http_connections_displaced", help, self.crowding.displaced.clone());
    }
}

/// Middleware around all others.
pub(super) async fn record(State(metrics): State<HttpMetrics>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = METHODS.iter().find(|known| *known == request.method());
    let method = method.map_or("other", Method::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    let labels = vec![("method", method), ("route", route), ("status", status)];
    metrics.requests.get_or_create(&labels).inc();
    metrics.durations.get_or_create(&labels).observe(begun.elapsed().as_secs_f64());
    response
}
