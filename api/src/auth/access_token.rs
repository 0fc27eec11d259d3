//! Access tokens: JWT HS256, short-lived, believed without a look-up.

use crate::Problem;
use crate::config::TokenSettings;
use domain::AccountId;
use domain::account::Role;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
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
    pub role: Role,
    /// The session (device) that it was issued to.
    pub sid: Uuid,
    pub typ: String,
    pub iat: i64,
    pub exp: i64,
    pub iss: String,
}

/// Issues and checks access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    life: Duration,
    issuer: String,
}

impl AccessTokens {
    pub fn new(settings: &TokenSettings) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Time is an input: `verify` compares it with the clock that it is given.
        validation.validate_exp = false;
        validation.set_issuer(&[&settings.issuer]);
        Self {
            encoding: EncodingKey::from_secret(settings.access_secret.bytes()),
            decoding: DecodingKey::from_secret(settings.access_secret.bytes()),
            validation,
            life: settings.access_life,
            issuer: settings.issuer.clone(),
        }
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
            role,
            sid: session,
            typ: KIND.to_owned(),
            iat: now.unix_timestamp(),
            exp: (now + self.life).unix_timestamp(),
            iss: self.issuer.clone(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(Problem::internal)
    }

    /// The claims of a token that is ours, an access token, and not expired.
    pub fn verify(&self, token: &str, now: OffsetDateTime) -> Option<AccessClaims> {
        let claims =
            jsonwebtoken::decode::<AccessClaims>(token, &self.decoding, &self.validation).ok()?.claims;
        (claims.typ == KIND && now.unix_timestamp() < claims.exp).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn tokens(secret: &[u8]) -> AccessTokens {
        AccessTokens::new(&TokenSettings::new(Secret::new(secret), Secret::new(*b"refresh")))
    }

    fn issued() -> String {
        tokens(b"one").issue(AccountId(Uuid::from_u128(1)), Role::Designer, Uuid::from_u128(2), NOW).unwrap()
    }

    #[test]
    fn a_token_tells_account_role_and_session_until_it_expires() {
        let claims = tokens(b"one").verify(&issued(), NOW).unwrap();
        assert_eq!((claims.sub.0, claims.role), (Uuid::from_u128(1), Role::Designer));
        assert_eq!(claims.sid, Uuid::from_u128(2));
        assert!(tokens(b"one").verify(&issued(), NOW + time::Duration::minutes(15)).is_none());
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
            let token =
                jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &ours.encoding).unwrap();
            assert!(ours.verify(&token, NOW).is_none(), "{typ} {iss}");
        }
    }
}
