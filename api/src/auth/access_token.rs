//! Access tokens: JWT HS256, short-lived, believed without a look-up.

use super::keyring::Keyring;
use crate::Problem;
use crate::config::TokenSettings;
use domain::AccountId;
use domain::account::Role;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// `typ` of these tokens; nothing else is taken for one.
const KIND: &str = "access";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    pub sub: AccountId,
    /// The same as `sub`, under the name that pages of the old shop read.
    #[serde(rename = "userId", default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<AccountId>,
    pub role: Role,
    /// The session (device) that it was issued to.
    pub sid: Uuid,
    pub typ: String,
    pub iat: i64,
    pub exp: i64,
    pub iss: String,
}

/// How far the clocks of two processes may be apart: a token of the near future is good, and one that has just expired.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);

/// Issues and checks access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    keys: Keyring,
    validation: Validation,
    life: Duration,
    issuer: String,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no key to sign with")]
struct NoKey;

impl AccessTokens {
    pub fn new(keys: Keyring, settings: &TokenSettings) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Time is an input: `verify` compares it with the clock that it is given.
        validation.validate_exp = false;
        validation.set_issuer(&[&settings.issuer]);
        Self { keys, validation, life: settings.access_life, issuer: settings.issuer.clone() }
    }

    pub fn issue(
        &self,
        account: AccountId,
        role: Role,
        session: Uuid,
        now: OffsetDateTime,
    ) -> Result<String, Problem> {
        let claims = AccessClaims {
            sub: account,
            user_id: Some(account),
            role,
            sid: session,
            typ: KIND.to_owned(),
            iat: now.unix_timestamp(),
            exp: (now + self.life).unix_timestamp(),
            iss: self.issuer.clone(),
        };
        let key = self.keys.signing(now).ok_or_else(|| Problem::internal(NoKey))?;
        let header = Header { kid: Some(key.kid), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(Problem::internal)
    }

    /// The claims of a token that is ours, an access token, and not expired.
    pub fn verify(&self, token: &str, now: OffsetDateTime) -> Option<AccessClaims> {
        let claims = self.ours(token, now)?;
        let good = (now - CLOCK_SKEW_MAX).unix_timestamp() < claims.exp
            && claims.iat <= (now + CLOCK_SKEW_MAX).unix_timestamp();
        good.then_some(claims)
    }

    /// The session of a token that is ours, though it may have expired. Proves no login.
    pub fn session(&self, token: &str, now: OffsetDateTime) -> Option<Uuid> {
        Some(self.ours(token, now)?.sid)
    }

    /// The session that a token names, whoever made it. Proves nothing at all.
    pub fn claimed_session(token: &str) -> Option<Uuid> {
        Some(jsonwebtoken::dangerous::insecure_decode_claims::<AccessClaims>(token).ok()?.sid)
    }

    fn ours(&self, token: &str, now: OffsetDateTime) -> Option<AccessClaims> {
        let key = self.keys.accepted(&jsonwebtoken::decode_header(token).ok()?.kid?, now)?;
        let claims =
            jsonwebtoken::decode::<AccessClaims>(token, &key.decoding, &self.validation).ok()?.claims;
        (claims.typ == KIND).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn tokens(secret: &[u8]) -> AccessTokens {
        let settings = TokenSettings::new(Secret::new(*b"refresh"));
        AccessTokens::new(Keyring::fixed("k1", secret), &settings)
    }

    fn issued() -> String {
        tokens(b"one").issue(AccountId(Uuid::from_u128(1)), Role::Designer, Uuid::from_u128(2), NOW).unwrap()
    }

    #[test]
    fn a_token_tells_account_role_and_session_until_it_expires() {
        let claims = tokens(b"one").verify(&issued(), NOW).unwrap();
        assert_eq!((claims.sub.0, claims.role), (Uuid::from_u128(1), Role::Designer));
        assert_eq!(claims.sid, Uuid::from_u128(2));
        let (life, skew) = (time::Duration::minutes(15), time::Duration::seconds(30));
        assert!(tokens(b"one").verify(&issued(), NOW + life + skew - time::Duration::SECOND).is_some());
        assert!(tokens(b"one").verify(&issued(), NOW + life + skew).is_none());
        assert!(tokens(b"one").verify(&issued(), NOW - skew).is_some());
        assert!(tokens(b"one").verify(&issued(), NOW - skew - time::Duration::SECOND).is_none());
    }

    #[test]
    fn an_expired_token_still_tells_its_session_and_a_foreign_one_only_claims_it() {
        let (later, session) = (NOW + time::Duration::DAY, Some(Uuid::from_u128(2)));
        assert_eq!(tokens(b"one").session(&issued(), later), session);
        assert_eq!(tokens(b"two").session(&issued(), later), None);
        assert_eq!(AccessTokens::claimed_session(&issued()), session);
        assert_eq!(AccessTokens::claimed_session("no.jwt.here"), None);
    }

    #[test]
    fn a_foreign_or_changed_token_is_none() {
        assert!(tokens(b"two").verify(&issued(), NOW).is_none());
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", issued().split('.').nth(1).unwrap());
        assert!(tokens(b"one").verify(&unsigned, NOW).is_none());
    }

    #[test]
    fn another_kind_or_issuer_is_none() {
        let ours = tokens(b"one");
        for (typ, iss) in [("refresh", "polikrami"), ("access", "somebody")] {
            let claims = AccessClaims {
                typ: typ.into(),
                iss: iss.into(),
                ..tokens(b"one").verify(&issued(), NOW).unwrap()
            };
            let key = ours.keys.signing(NOW).unwrap();
            let header = Header { kid: Some(key.kid), ..Header::new(Algorithm::HS256) };
            let token = jsonwebtoken::encode(&header, &claims, &key.encoding).unwrap();
            assert!(ours.verify(&token, NOW).is_none(), "{typ} {iss}");
        }
    }
}
