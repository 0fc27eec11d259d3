//! What may be compressed: texts of some size that hold no secret. A secret beside something that a caller can choose
//! could be guessed from the length of the compressed answer (BREACH).

use super::is_secret;
use axum::body::HttpBody;
use axum::http::{HeaderValue, Request, Response, header};
use tower_http::compression::predicate::{Predicate, SizeAbove};

/// Below this a packet is sent in any case.
const BYTES_MIN: u64 = 1_024;

#[derive(Debug, Clone, Copy)]
pub struct Compressible;

impl Predicate for Compressible {
    fn should_compress<B: HttpBody>(&self, response: &Response<B>) -> bool {
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        kind.is_some_and(is_text)
            && !is_secret(response.headers())
            && SizeAbove::new(BYTES_MIN).should_compress(response)
    }
}

fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || kind.ends_with("json")
        || kind.ends_with("javascript")
        || kind.ends_with("svg+xml")
}

/// For the request before it is answered: a plain answer is always sent, whatever the header forbids. To refuse it
/// after the work is done would say that nothing was (RFC 9110, 12.5.3, leaves it to us).
pub fn allow_plain<B>(mut request: Request<B>) -> Request<B> {
    let headers = request.headers_mut();
    let codings: Vec<HeaderValue> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| {
            let codings = value.to_str().ok()?.split(',').filter(|coding| !forbids_plain(coding));
            HeaderValue::from_str(&codings.collect::<Vec<_>>().join(",")).ok()
        })
        .collect();
    headers.remove(header::ACCEPT_ENCODING);
    for coding in codings {
        headers.append(header::ACCEPT_ENCODING, coding);
    }
    request
}

/// `identity;q=0` or `*;q=0`.
fn forbids_plain(coding: &str) -> bool {
    let Some((name, weight)) = coding.split_once(';') else { return false };
    let weight = weight.trim().to_ascii_lowercase();
    let none = weight.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0_f32));
    none && ["identity", "*"].contains(&name.trim().to_ascii_lowercase().as_str())
}

/// For the answer behind the compression: a strong tag promises the very bytes, and these have changed.
pub fn weaken_tag<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get(header::ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""))
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        headers.insert(header::ETAG, weak);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn compresses(kind: &str, caching: &str, bytes: usize) -> bool {
        let response = Response::builder().header("content-type", kind).header("cache-control", caching);
        Compressible.should_compress(&response.body(Body::from(vec![0; bytes])).unwrap())
    }

    #[test]
    fn long_texts_without_secrets_are_compressed() {
        assert!(compresses("application/json", "private, no-cache", 2_000));
        assert!(compresses("text/html; charset=utf-8", "public", 2_000));
        assert!(!compresses("application/json", "no-store", 2_000));
        assert!(!compresses("application/json", "private, no-store", 2_000));
        assert!(!compresses("application/json", "private", 500));
        for packed in ["image/png", "application/pdf", "font/woff2"] {
            assert!(!compresses(packed, "public", 2_000), "{packed}");
        }
    }

    #[test]
    fn a_plain_answer_cannot_be_forbidden() {
        for (asked, left) in [
            ("gzip, identity;q=0", "gzip"),
            ("br;q=1.0, *;q=0", "br;q=1.0"),
            ("identity ; Q=0.000,gzip", "gzip"),
            ("*;q=0", ""),
            ("gzip;q=0, identity", "gzip;q=0, identity"),
            ("identity;q=0.5, *;q=0.1", "identity;q=0.5, *;q=0.1"),
            ("*;q=x", "*;q=x"),
        ] {
            let request = Request::builder().header(header::ACCEPT_ENCODING, asked).body(()).unwrap();
            let request = allow_plain(request);
            assert_eq!(request.headers()[header::ACCEPT_ENCODING], left, "{asked}");
        }
    }
}
