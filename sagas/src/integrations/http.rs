//! The one place that builds HTTP clients and says what a failed exchange means.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use url::{Host, Url};

use super::CallError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_CONNECTION_KEPT: Duration = Duration::from_secs(15);
/// First delay after a failed exchange; the runner adds growth and jitter.
pub const RETRY_AFTER: Duration = Duration::from_secs(15);
/// How much of an answer that nobody understands goes into an error text.
const EXCERPT_BYTES: usize = 500;

/// Whether calls share connections. A call that costs money each time gets its own: a kept connection
/// that the server closes just as we write to it ends in "perhaps".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    Kept,
    OnePerCall,
}

/// No redirects (a signed request must not wander), no proxy from the environment.
pub fn client(total_timeout: Duration, connections: Connections) -> Result<Client, CallError> {
    install_crypto();
    let idle = match connections {
        Connections::Kept => 4,
        Connections::OnePerCall => 0,
    };
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(total_timeout)
        .redirect(Policy::none())
        .no_proxy()
        .pool_idle_timeout(IDLE_CONNECTION_KEPT)
        .pool_max_idle_per_host(idle)
        .build()
        .map_err(|error| CallError::misconfigured(format!("HTTP client: {error}")))
}

/// `reqwest` comes without a crypto provider; whoever is first installs ring, the rest find it there.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing this race means that another thread has just installed one.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
}

/// `https` anywhere; plain `http` only to this machine, where the simulators listen.
pub fn checked_base(base: &Url) -> Result<Url, CallError> {
    let local = match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let allowed = match base.scheme() {
        "https" => base.has_host(),
        "http" => local,
        _ => false,
    };
    if allowed && base.query().is_none() && base.fragment().is_none() {
        return Ok(base.clone());
    }
    Err(CallError::misconfigured(format!("{base} is neither https nor a local simulator")))
}

/// Base without its trailing slashes, then the path.
pub fn address(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status and the beginning of the body, for a person who reads a dead letter.
    pub fn excerpt(&self) -> String {
        let start = &self.body[..self.body.len().min(EXCERPT_BYTES)];
        format!("HTTP {}: {}", self.status.as_u16(), String::from_utf8_lossy(start))
    }
}

/// Sends, and reads the whole answer up to `cap_bytes`. Any status is an answer.
pub async fn exchange(request: RequestBuilder, cap_bytes: usize, what: &str) -> Result<Answer, CallError> {
    let mut response = request.send().await.map_err(|error| failure(error, what))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(error, what))? {
        if body.len() + chunk.len() > cap_bytes {
            return Err(CallError::ambiguous(
                RETRY_AFTER,
                format!("{what}: answer above {cap_bytes} bytes, HTTP {}", status.as_u16()),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

/// Not connected: nothing was sent. Everything later: they may have acted on it.
fn failure(error: reqwest::Error, what: &str) -> CallError {
    if error.is_builder() || error.is_redirect() {
        return CallError::misconfigured(format!("{what}: {error}"));
    }
    let base = if error.is_connect() {
        CallError::retry(RETRY_AFTER, format!("{what}: no connection"))
    } else if error.is_timeout() {
        CallError::ambiguous(RETRY_AFTER, format!("{what}: no complete answer in time"))
    } else {
        CallError::ambiguous(RETRY_AFTER, format!("{what}: connection broke"))
    };
    base.because(error.without_url())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_util::task::TaskTracker;

    use super::*;

    const CAP: usize = 64;

    /// Answers one connection with these bytes, then keeps it open or closes it.
    async fn server(reply: &'static [u8], then_close: bool) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        TaskTracker::new().spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let read = socket.read(&mut request).await.unwrap();
            assert!(read > 0);
            socket.write_all(reply).await.unwrap();
            if !then_close {
                std::future::pending::<()>().await;
            }
        });
        format!("http://127.0.0.1:{port}/").parse().unwrap()
    }

    async fn get(base: &Url) -> Result<Answer, CallError> {
        get_within(Duration::from_secs(20), base).await
    }

    async fn get_within(limit: Duration, base: &Url) -> Result<Answer, CallError> {
        let client = client(limit, Connections::OnePerCall).unwrap();
        exchange(client.get(address(base, "/x")), CAP, "test").await
    }

    #[tokio::test]
    async fn a_refused_connection_sent_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        drop(listener);
        let error = get(&base).await.unwrap_err();
        assert!(matches!(error, CallError::Retry { ambiguous: false, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn silence_after_the_request_is_ambiguous_but_not_for_a_read() {
        let silent = server(b"", false).await;
        let error = get_within(Duration::from_millis(400), &silent).await.unwrap_err();
        assert!(error.is_ambiguous(), "{error:?}");
        assert!(!error.of_a_read().is_ambiguous());
    }

    #[tokio::test]
    async fn a_body_cut_short_is_ambiguous() {
        let cut = server(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", true).await;
        assert!(get(&cut).await.unwrap_err().is_ambiguous());
        let closed = server(b"", true).await;
        assert!(get(&closed).await.unwrap_err().is_ambiguous());
    }

    #[tokio::test]
    async fn a_body_above_the_cap_is_not_read() {
        let body = server(b"HTTP/1.1 200 OK\r\ncontent-length: 70\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789", true);
        assert!(get(&body.await).await.unwrap_err().is_ambiguous());
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let base =
            server(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", true);
        assert_eq!(get(&base.await).await.unwrap().status, StatusCode::FOUND);
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["https://api.example", "http://127.0.0.1:9/", "http://localhost:9/x", "http://[::1]:9"] {
            checked_base(&good.parse().unwrap()).unwrap();
        }
        for bad in ["http://api.example", "http://127.0.0.1.example/", "ftp://127.0.0.1/", "https://a/?q=1"] {
            checked_base(&bad.parse().unwrap()).unwrap_err();
        }
        let base = "https://api.example//".parse().unwrap();
        assert_eq!(address(&base, "/payment/test"), "https://api.example/payment/test");
    }
}
