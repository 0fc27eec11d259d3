//! Where commands come from: the request, and who sent it.

use crate::{Chance, Problem};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use domain::AccountId;
use journal::Context;
use uuid::Uuid;

/// The request's id, set by [`crate::middleware::request_id`]; runs on as correlation id to the last event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// Makes a journal [`Context`] for each command of this request.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub request_id: Uuid,
    trace: Option<String>,
    chance: Chance,
}

impl RequestContext {
    /// For a command that the caller gives; each call is a command of its own.
    pub fn by(&self, account: AccountId) -> Context {
        self.command(format!("account:{account}"), self.chance.id())
    }

    /// The same under a derived command id, so that a repeat of the request is the same command.
    pub fn by_repeatable(&self, account: AccountId, command_id: Uuid) -> Context {
        self.command(format!("account:{account}"), command_id)
    }

    /// For a command that nobody logged in gives, such as `system:payment-callback`.
    pub fn by_system(&self, name: &str, command_id: Uuid) -> Context {
        self.command(format!("system:{name}"), command_id)
    }

    /// For [`RequestContext::by_system`], where a repeat is a command of its own.
    pub fn fresh_id(&self) -> Uuid {
        self.chance.id()
    }

    fn command(&self, actor: String, command_id: Uuid) -> Context {
        Context {
            command_id,
            correlation_id: self.request_id,
            causation_position: None,
            actor,
            trace: self.trace.clone(),
        }
    }
}

impl<S> FromRequestParts<S> for RequestContext
where
    S: Send + Sync,
    Chance: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let chance = Chance::from_ref(state);
        let request_id =
            parts.extensions.get::<RequestId>().map_or_else(|| chance.id(), |request_id| request_id.0);
        Ok(Self { request_id, trace: traceparent(&parts.headers).map(ToOwned::to_owned), chance })
    }
}

/// W3C trace context is 55 characters in its only version; anything else is not passed on.
fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let fits = text.len() == 55 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    fits.then_some(text)
}

/// The id of the trace that the caller is in: 32 hex digits, by which its log and ours are joined.
pub fn trace_id(headers: &HeaderMap) -> Option<&str> {
    traceparent(headers)?.split('-').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue, Request};
    use proptest::prelude::*;

    const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

    fn passed_on(value: &[u8]) -> Option<String> {
        let (parts, ()) = Request::builder().header("traceparent", value).body(()).unwrap().into_parts();
        traceparent(&parts.headers).map(ToOwned::to_owned)
    }

    proptest! {
        #[test]
        fn every_well_formed_trace_is_passed_on(text in "00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]") {
            let headers = HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_str(&text).unwrap())]);
            prop_assert_eq!(trace_id(&headers), Some(&text[3..35]));
            prop_assert_eq!(passed_on(text.as_bytes()), Some(text));
        }

        #[test]
        fn nothing_else_that_a_header_can_hold_is(bytes in prop::collection::vec(0x20_u8..=0x7e, 0..54)) {
            prop_assert_eq!(passed_on(&bytes), None);
        }

        #[test]
        fn no_byte_breaks_it(bytes in prop::collection::vec(0x80_u8.., 0..60)) {
            prop_assert_eq!(passed_on(&bytes), None);
        }
    }
}
