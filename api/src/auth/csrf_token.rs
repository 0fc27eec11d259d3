//! What a browser repeats to show that our page sends the request: a name, signed for one session. Nothing is stored.
//!
//! Whoever can plant cookies (a page of a sub-domain) cannot make one that fits the session of somebody else; and
//! what the signing keys of access tokens do is nothing to it.

use crate::{Chance, Secret};
use ring::hmac;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Hex digits of a name.
const NAME_CHARS: usize = 32;

/// Whose requests a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Nobody is logged in.
    Anonymous,
    Session(Uuid),
}

/// A new token, `<name>.<hex HMAC>`.
pub fn issue(secret: &Secret, bound: Bound, chance: Chance) -> String {
    signed(secret, bound, &hex::encode(chance.bytes::<{ NAME_CHARS / 2 }>()))
}

/// Is it one of ours, and of this session?
pub fn fits(secret: &Secret, given: &str, bound: Bound) -> bool {
    let Some((name, _)) = given.split_once('.') else { return false };
    let formed = name.len() == NAME_CHARS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    formed && bool::from(signed(secret, bound, name).as_bytes().ct_eq(given.as_bytes()))
}

fn signed(secret: &Secret, bound: Bound, name: &str) -> String {
    let whose = match bound {
        Bound::Anonymous => "anonymous".to_owned(),
        Bound::Session(id) => format!("session {id}"),
    };
    let key = hmac::sign(&keyed(secret.bytes()), b"csrf-token key");
    let code = hmac::sign(&keyed(key.as_ref()), format!("{name} {whose}").as_bytes());
    format!("{name}.{}", hex::encode(code))
}

fn keyed(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_good_for_the_session_that_it_was_made_for() {
        let (one, other) = (Bound::Session(Uuid::from_u128(1)), Bound::Session(Uuid::from_u128(2)));
        let secret = Secret::new(*b"s");
        for (made_for, refused) in [(one, other), (one, Bound::Anonymous), (Bound::Anonymous, one)] {
            let token = issue(&secret, made_for, Chance);
            assert!(fits(&secret, &token, made_for));
            assert!(!fits(&secret, &token, refused));
            assert!(!fits(&Secret::new(*b"t"), &token, made_for));
            assert_ne!(token, issue(&secret, made_for, Chance), "each is new");
        }
    }

    #[test]
    fn what_was_not_made_here_fits_nobody() {
        let secret = Secret::new(*b"s");
        let token = issue(&secret, Bound::Anonymous, Chance);
        let short = signed(&secret, Bound::Anonymous, "00");
        let upper = token.to_uppercase();
        for wrong in
            ["", ".", &token[..NAME_CHARS], &token[1..], &upper, &short, &format!("{token}0"), "ğ.💥"]
        {
            assert!(!fits(&secret, wrong, Bound::Anonymous), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_cookie_says_only_our_own_token_fits(text in "\\PC{0,120}", session in any::<u128>()) {
            let (secret, bound) = (Secret::new(*b"s"), Bound::Session(Uuid::from_u128(session)));
            prop_assert!(!fits(&secret, &text, bound));
            let token = issue(&secret, bound, Chance);
            prop_assert!(fits(&secret, &token, bound));
            let longer = format!("{token}{text}x");
            prop_assert!(!fits(&secret, &longer, bound));
        }
    }
}
