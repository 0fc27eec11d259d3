//! The secret of a verification link. It is derived, so no table keeps it: the mail is written from the event's
//! selector alone, and the link is checked against the account that claimed the selector.

use crate::Claim;
use crate::mac::{Label, mac};
use domain::AccountId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Scope of the claim that leads from a selector to its account; committed with the event.
pub const SCOPE: &str = "account.verification";

/// The claim on a selector.
pub fn claim(selector: Uuid) -> Claim {
    Claim { scope: SCOPE.to_owned(), key: selector.to_string() }
}

/// `<selector>.<hex HMAC>`, as it stands in the link.
pub fn token(server_secret: &[u8], selector: Uuid, account: AccountId) -> String {
    format!("{selector}.{}", secret(server_secret, selector, account))
}

fn secret(server_secret: &[u8], selector: Uuid, account: AccountId) -> String {
    let text = format!("{selector}:{account}");
    hex::encode(mac(server_secret, Label::VerifyEmail, &[text.as_bytes()]))
}

/// The selector of a token, not yet believed: look up its account, then [`parse_and_check`].
pub fn selector(token: &str) -> Option<Uuid> {
    let (selector, _) = token.split_once('.')?;
    Uuid::try_parse(selector).ok()
}

/// The selector, if the token is the one that was mailed to this account.
pub fn parse_and_check(server_secret: &[u8], given: &str, account: AccountId) -> Option<Uuid> {
    let selector = selector(given)?;
    let expected = token(server_secret, selector, account);
    bool::from(expected.as_bytes().ct_eq(given.as_bytes())).then_some(selector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"secret";

    #[test]
    fn a_token_is_good_for_its_account_and_no_other() {
        let (selector, account) = (Uuid::from_u128(7), AccountId(Uuid::from_u128(1)));
        let token = token(SECRET, selector, account);
        assert_eq!(parse_and_check(SECRET, &token, account), Some(selector));
        assert_eq!(parse_and_check(SECRET, &token, AccountId(Uuid::from_u128(2))), None);
        assert_eq!(parse_and_check(b"other", &token, account), None);
    }

    #[test]
    fn a_changed_or_cut_token_is_refused() {
        let account = AccountId(Uuid::from_u128(1));
        let token = token(SECRET, Uuid::from_u128(7), account);
        for wrong in ["", ".", "x.y", &token[..token.len() - 1], &token.to_uppercase()] {
            assert_eq!(parse_and_check(SECRET, wrong, account), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_link_says_only_what_was_mailed_fits(
            text in "\\PC{0,120}", id: u128, code in "[0-9a-f]{64}", at in 0usize..101,
        ) {
            let (selector, account) = (Uuid::from_u128(id), AccountId(Uuid::from_u128(1)));
            prop_assert_eq!(parse_and_check(SECRET, &text, account), None);
            prop_assert_eq!(parse_and_check(SECRET, &format!("{selector}.{code}"), account), None);
            let token = token(SECRET, selector, account);
            prop_assert_eq!(parse_and_check(SECRET, &token, account), Some(selector));
            // Every byte counts.
            let mut bytes = token.into_bytes();
            bytes[at] ^= 1;
            let altered = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(parse_and_check(SECRET, &altered, account), None);
        }
    }
}
