//! Codes that only this service can make: HMAC-SHA256 (RFC 2104) under the server's secret. Each use has a label of its
//! own, so that what was made for one is never good for another.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    AccountEmail,
    CsrfToken,
    IdempotentAnswer,
    KnownDevice,
    PasswordReset,
    PasswordResetCode,
    PhoneCode,
    RateLimit,
    RefreshToken,
    SigningKeys,
    VerifyEmail,
}

impl Label {
    pub const ALL: [Self; 11] = [
        Self::AccountEmail,
        Self::CsrfToken,
        Self::IdempotentAnswer,
        Self::KnownDevice,
        Self::PasswordReset,
        Self::PasswordResetCode,
        Self::PhoneCode,
        Self::RateLimit,
        Self::RefreshToken,
        Self::SigningKeys,
        Self::VerifyEmail,
    ];

    /// Begins the text; none begins another. Never to be changed: the journal keeps claims on addresses for ever.
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::AccountEmail => b"account.email:",
            Self::CsrfToken => b"csrf-token:",
            Self::IdempotentAnswer => b"idempotent-answer:",
            Self::KnownDevice => b"known-device:",
            Self::PasswordReset => b"password-reset:",
            Self::PasswordResetCode => b"password-reset-code:",
            Self::PhoneCode => b"phone-code:",
            Self::RateLimit => b"rate-limit:",
            Self::RefreshToken => b"refresh-token:",
            Self::SigningKeys => b"signing-keys:",
            Self::VerifyEmail => b"verify-email:",
        }
    }
}

/// The code of the parts, one after the other. Secrets of any length are taken.
pub fn mac(server_secret: &[u8], label: Label, parts: &[&[u8]]) -> [u8; 32] {
    match <Hmac<Sha256> as Mac>::new_from_slice(server_secret) {
        Ok(mut mac) => {
            mac.update(label.prefix());
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().into()
        }
        // The signature is shared with codes that do not.
        Err(hmac::digest::InvalidLength) => unreachable!("HMAC takes keys of every length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_begins_like_another() {
        for one in Label::ALL {
            let others = Label::ALL.into_iter().filter(|other| *other != one);
            assert!(others.into_iter().all(|other| !other.prefix().starts_with(one.prefix())), "{one:?}");
        }
    }

    #[test]
    fn it_is_the_hmac_of_prefix_and_parts() {
        let parts: [&[u8]; 2] = [b"a", b"b"];
        let code = hex::encode(mac(b"secret", Label::PhoneCode, &parts));
        // printf 'phone-code:ab' | openssl dgst -sha256 -hmac secret
        assert_eq!(code, "839ab8ca75df0fd15c347d8889f840910b8676e15b6f46228e93ec541fce2196");
    }
}
