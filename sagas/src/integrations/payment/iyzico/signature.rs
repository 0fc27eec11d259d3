//! Both directions of Iyzico's signatures: the header of a request, the `signature` field of an answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The shop's secret; signs, and never shows itself.
#[derive(Clone)]
pub struct SecretKey(String);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl SecretKey {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    fn hex_hmac(&self, parts: &[&[u8]]) -> String {
        // Key setup fails only for key lengths that HMAC does not have; it takes every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            return String::new();
        };
        for part in parts {
            mac.update(part);
        }
        hex::encode(mac.finalize().into_bytes())
    }

    /// Value of `Authorization`. `path` has no host and no query; `body` is exactly what is sent.
    pub fn authorization(&self, api_key: &str, random_key: &str, path: &str, body: &[u8]) -> String {
        let signature = self.hex_hmac(&[random_key.as_bytes(), path.as_bytes(), body]);
        let token = format!("apiKey:{api_key}&randomKey:{random_key}&signature:{signature}");
        format!("IYZWSv2 {}", STANDARD.encode(token))
    }

    /// Whether `signature` was made over these fields; an absent field counts as empty text.
    pub fn has_signed(&self, fields: &[&str], signature: &str) -> bool {
        let ours = self.hex_hmac(&[fields.join(":").as_bytes()]);
        !ours.is_empty() && bool::from(ours.as_bytes().ct_eq(signature.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectors;
    use super::*;

    #[test]
    fn requests_are_signed_as_the_official_client_does() {
        let mut checked = 0;
        for vector in vectors::of("authorization_iyzwsv2") {
            let text = |name: &str| vector[name].as_str().unwrap();
            let header = SecretKey::new(text("secret_key")).authorization(
                text("api_key"),
                text("random_key"),
                text("uri_signed"),
                text("body_text").as_bytes(),
            );
            assert_eq!(header, text("authorization"), "{}", text("name"));
            checked += 1;
        }
        assert_eq!(checked, 20);
    }

    #[test]
    fn strings_that_must_not_verify_do_not() {
        for vector in vectors::of("response_signature_negative") {
            let text = |name: &str| vector[name].as_str().unwrap();
            let secret = SecretKey::new(text("secret_key"));
            assert!(!secret.has_signed(&[text("string_signed")], text("signature_must_not_be")), "{vector}");
            assert!(secret.has_signed(&[text("string_signed")], text("signature_of_changed")), "{vector}");
        }
    }

    #[test]
    fn answers_verify_over_their_fields_and_over_nothing_else() {
        for vector in vectors::of("response_signature") {
            let text = |name: &str| vector[name].as_str().unwrap();
            let secret = SecretKey::new(text("secret_key"));
            let fields: Vec<&str> = text("string_signed").split(':').collect();
            assert!(secret.has_signed(&fields, text("signature")), "{}", text("kind"));
            assert!(!secret.has_signed(&fields, &text("signature").to_uppercase()));
            assert!(!secret.has_signed(&fields, ""));
            assert!(!SecretKey::new("other").has_signed(&fields, text("signature")));
        }
    }

    #[test]
    fn the_secret_does_not_print() {
        assert_eq!(format!("{:?}", SecretKey::new("geheim")), "SecretKey(…)");
    }
}
