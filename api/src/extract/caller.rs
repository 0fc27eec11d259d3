//! Who is calling. A handler that takes one of these cannot be reached by anybody else.

use crate::Problem;
use crate::auth::{AccessTokens, cookies};
use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::{HeaderMap, header, request::Parts};
use axum_extra::extract::CookieJar;
use domain::AccountId;
use domain::account::Role;
use std::convert::Infallible;
use time::OffsetDateTime;
use uuid::Uuid;

/// Anybody with a valid access token. A Bearer header is looked at before the cookie.
#[derive(Debug, Clone, Copy)]
pub struct Authenticated {
    pub account: AccountId,
    pub role: Role,
    /// The session (device) that the token belongs to.
    pub session: Uuid,
}

/// Any logged-in account, acting as the customer of its own things.
#[derive(Debug, Clone, Copy)]
pub struct Customer {
    pub account: AccountId,
}

#[derive(Debug, Clone, Copy)]
pub struct Designer {
    pub account: AccountId,
}

#[derive(Debug, Clone, Copy)]
pub struct Admin {
    pub account: AccountId,
}

/// May read everything for the record; an admin may, too.
#[derive(Debug, Clone, Copy)]
pub struct Auditor {
    pub account: AccountId,
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whoever a valid access token names. A Bearer header is looked at before the cookie.
pub fn named(headers: &HeaderMap, tokens: &AccessTokens, now: OffsetDateTime) -> Option<Authenticated> {
    let claims = match bearer(headers) {
        Some(token) => tokens.verify(token, now),
        None => CookieJar::from_headers(headers)
            .get(cookies::ACCESS)
            .and_then(|cookie| tokens.verify(cookie.value(), now)),
    };
    claims.map(|claims| Authenticated { account: claims.sub, role: claims.role, session: claims.sid })
}

/// As the middleware has identified the caller.
impl<S: Send + Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or_else(Problem::unauthorized)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Authenticated {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().copied())
    }
}

/// A caller whose role is checked once it is known who it is.
macro_rules! caller {
    ($name:ident, $($role:pat_param)|+) => {
        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                let caller: Authenticated = parts.extract().await?;
                if matches!(caller.role, $($role)|+) {
                    Ok(Self { account: caller.account })
                } else {
                    Err(Problem::forbidden())
                }
            }
        }
    };
}

caller!(Designer, Role::Designer);
caller!(Admin, Role::Admin);
caller!(Auditor, Role::Auditor | Role::Admin);

impl<S: Send + Sync> FromRequestParts<S> for Customer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller: Authenticated = parts.extract().await?;
        Ok(Self { account: caller.account })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn of(value: &str) -> Option<String> {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        bearer(&HeaderMap::from_iter([(header::AUTHORIZATION, value)])).map(ToOwned::to_owned)
    }

    proptest! {
        #[test]
        fn the_scheme_is_read_in_any_case_and_no_other_is(upper in any::<bool>(), token in "[!-~]{1,80}") {
            let scheme = if upper { "BEARER" } else { "bearer" };
            prop_assert_eq!(of(&format!("{scheme} {token}")), Some(token.clone()));
            prop_assert_eq!(of(&format!("x{scheme} {token}")), None);
            prop_assert_eq!(of(&format!("{scheme}{token}")), None);
        }

        #[test]
        fn whatever_stands_there_it_is_read_or_left_alone(text in "[^\\p{Cc}]{0,80}") {
            let _ = of(&text);
        }
    }
}
