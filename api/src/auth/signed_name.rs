//! What a browser repeats to us in a cookie: a name of 128 random bits, and a code that binds it to one purpose and one
//! owner. Nothing is stored.

use crate::{Chance, Secret};
use journal::mac::{Label, mac};
use subtle::ConstantTimeEq;

/// Hex digits of a name.
const NAME_CHARS: usize = 32;

/// What a name is good for, and to whom.
pub struct Scope {
    pub purpose: Label,
    pub owner: String,
}

impl Scope {
    /// A new one, `<name>.<hex HMAC>`.
    pub fn issue(&self, secret: &Secret, chance: Chance) -> String {
        self.signed(secret, &hex::encode(chance.bytes::<{ NAME_CHARS / 2 }>()))
    }

    /// The name, if it was issued here for this purpose and owner.
    pub fn name_of<'a>(&self, secret: &Secret, given: &'a str) -> Option<&'a str> {
        let (name, _) = given.split_once('.')?;
        let formed = name.len() == NAME_CHARS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let expected = self.signed(secret, name);
        (formed && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))).then_some(name)
    }

    fn signed(&self, secret: &Secret, name: &str) -> String {
        let code = mac(secret.bytes(), self.purpose, &[name.as_bytes(), b":", self.owner.as_bytes()]);
        format!("{name}.{}", hex::encode(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(purpose: Label, owner: &str) -> Scope {
        Scope { purpose, owner: owner.to_owned() }
    }

    #[test]
    fn a_name_is_good_for_its_purpose_and_owner() {
        let (secret, scope) = (Secret::new(*b"s"), scope(Label::CsrfToken, "o"));
        let given = scope.issue(&secret, Chance);
        assert_eq!(scope.name_of(&secret, &given), Some(&given[..NAME_CHARS]));
        assert_eq!(scope.name_of(&Secret::new(*b"t"), &given), None);
        for other in [self::scope(Label::CsrfToken, "p"), self::scope(Label::KnownDevice, "o")] {
            assert_eq!(other.name_of(&secret, &given), None);
        }
        assert_ne!(given, scope.issue(&secret, Chance), "each is new");
    }

    #[test]
    fn what_was_not_made_here_is_nobodys() {
        let (secret, scope) = (Secret::new(*b"s"), scope(Label::CsrfToken, "o"));
        let given = scope.issue(&secret, Chance);
        let short = scope.signed(&secret, "00");
        let upper = given.to_uppercase();
        for wrong in
            ["", ".", &given[..NAME_CHARS], &given[1..], &upper, &short, &format!("{given}0"), "ğ.💥"]
        {
            assert_eq!(scope.name_of(&secret, wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_cookie_says_only_what_was_made_here_fits(
            text in "\\PC{0,120}", formed in "[0-9a-f]{32}\\.[0-9a-f]{64}", at in 0usize..97, owner in "\\PC{0,40}",
        ) {
            let (secret, scope) = (Secret::new(*b"s"), scope(Label::CsrfToken, &owner));
            prop_assert_eq!(scope.name_of(&secret, &text), None);
            prop_assert_eq!(scope.name_of(&secret, &formed), None);
            let given = scope.issue(&secret, Chance);
            prop_assert_eq!(scope.name_of(&secret, &given), Some(&given[..NAME_CHARS]));
            let longer = format!("{given}{text}x");
            prop_assert_eq!(scope.name_of(&secret, &longer), None);
            // Every byte counts.
            let mut bytes = given.into_bytes();
            bytes[at] ^= 1;
            let altered = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(scope.name_of(&secret, &altered), None);
        }
    }
}
