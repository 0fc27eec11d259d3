//! A signing key under lock: ChaCha20-Poly1305 (RFC 8439), its id as associated data, under a key that is derived from
//! the service's secret.

use crate::Secret;
use journal::mac::{Label, mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// The form of what is stored: nonce, ciphertext, tag.
pub(super) struct Wrapper(LessSafeKey);

#[derive(Debug, thiserror::Error)]
#[error("a signing key could not be locked up")]
pub struct WrapError;

impl Wrapper {
    pub(super) fn new(secret: &Secret) -> Result<Self, WrapError> {
        let derived = mac(secret.bytes(), Label::SigningKeys, &[b"wrap:1"]);
        UnboundKey::new(&CHACHA20_POLY1305, &derived)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| WrapError)
    }

    pub(super) fn wrap(
        &self,
        kid: &str,
        key: &[u8; 32],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Vec<u8>, WrapError> {
        let mut sealed = key.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(unique, Aad::from(kid), &mut sealed).map_err(|_| WrapError)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// None when it was locked up under another secret, or changed.
    pub(super) fn unwrap(&self, kid: &str, wrapped: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = wrapped.split_at_checked(NONCE_LEN)?;
        let (nonce, mut sealed) = (Nonce::try_assume_unique_for_key(nonce).ok()?, sealed.to_vec());
        self.0.open_in_place(nonce, Aad::from(kid), &mut sealed).ok().map(|key| key.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_under_its_secret_and_id_only() {
        let under = |secret: &[u8]| Wrapper::new(&Secret::new(secret)).unwrap();
        let wrapped = under(b"one").wrap("k1", &[7; 32], [1; 12]).unwrap();
        assert!(!wrapped.windows(8).any(|window| window == [7; 8]));
        assert_eq!(under(b"one").unwrap("k1", &wrapped), Some(vec![7; 32]));
        assert_eq!(under(b"two").unwrap("k1", &wrapped), None);
        assert_eq!(under(b"one").unwrap("k2", &wrapped), None);
        assert_eq!(under(b"one").unwrap("k1", &wrapped[1..]), None);
        assert_eq!(under(b"one").unwrap("k1", &[]), None);
    }
}
