//! The secret of a password reset that nobody can guess; the one that can be typed is a [`super::short_code`]. It is
//! derived, so no table keeps it.

use crate::mac::{Label, mac};
use domain::AccountId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// `<account>.<selector>.<hex HMAC>`, as it stands in the link.
pub fn token(server_secret: &[u8], account: AccountId, selector: Uuid) -> String {
    let named = format!("{}.{}", account.0.simple(), selector.simple());
    let secret = mac(server_secret, Label::PasswordReset, &[named.as_bytes()]);
    format!("{named}.{}", hex::encode(secret))
}

/// Account and selector, if the token is one that was mailed.
pub fn checked(server_secret: &[u8], given: &str) -> Option<(AccountId, Uuid)> {
    let mut parts = given.split('.');
    let account = AccountId(Uuid::try_parse(parts.next()?).ok()?);
    let selector = Uuid::try_parse(parts.next()?).ok()?;
    let expected = token(server_secret, account, selector);
    bool::from(expected.as_bytes().ct_eq(given.as_bytes())).then_some((account, selector))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"secret";
    const ACCOUNT: AccountId = AccountId(Uuid::from_u128(1));
    const SELECTOR: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_token_leads_to_its_account_and_cannot_be_made_up() {
        let good = token(SECRET, ACCOUNT, SELECTOR);
        assert_eq!(checked(SECRET, &good), Some((ACCOUNT, SELECTOR)));
        assert_eq!(checked(b"other", &good), None);
        let foreign = good.replacen(&ACCOUNT.0.simple().to_string(), &SELECTOR.simple().to_string(), 1);
        let uppercase = good.to_uppercase();
        let hyphenated = good.replacen(&ACCOUNT.0.simple().to_string(), &ACCOUNT.0.to_string(), 1);
        for wrong in
            ["", "..", "a.b.c", &good[1..], &good[..good.len() - 1], &foreign, &uppercase, &hyphenated]
        {
            assert_eq!(checked(SECRET, wrong), None, "{wrong}");
        }
    }
}
