//! HMAC-SHA256 under the server's secret, each use with a prefix of its own.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The code of the parts, one after the other. Keys of any length are taken.
pub(crate) fn mac(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    match <Hmac<Sha256> as Mac>::new_from_slice(secret) {
        Ok(mut mac) => {
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().into()
        }
        // HMAC takes keys of every length; the signature is shared with codes that do not.
        Err(hmac::digest::InvalidLength) => unreachable!("HMAC takes keys of every length"),
    }
}
