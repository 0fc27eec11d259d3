//! The secrets of a password reset: a link that nobody can guess, and a short code that goes with it. Both are
//! derived, so no table keeps them.

use crate::tables::mac::mac;
use domain::AccountId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// `<account>.<selector>.<hex HMAC>`, as it stands in the link.
pub fn token(server_secret: &[u8], account: AccountId, selector: Uuid) -> String {
    let named = format!("{}.{}", account.0.simple(), selector.simple());
    let secret = mac(server_secret, &[b"password-reset:", named.as_bytes()]);
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

/// Four digits, the first not zero: the contract's form. It can be guessed, so its attempts must be counted.
pub fn code(server_secret: &[u8], account: AccountId, selector: Uuid) -> String {
    four_digits(mac(server_secret, &[b"password-reset-code:", account.0.as_bytes(), selector.as_bytes()]))
}

/// Whether the code is the one of this reset.
pub fn is_code(server_secret: &[u8], account: AccountId, selector: Uuid, given: &str) -> bool {
    code(server_secret, account, selector).as_bytes().ct_eq(given.as_bytes()).into()
}

/// 1000 to 9999; the bias of the remainder is one in 2⁵⁰.
pub(super) fn four_digits(mac: [u8; 32]) -> String {
    let number = mac.iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    (number % 9_000 + 1_000).to_string()
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

    #[test]
    fn codes_have_four_digits_and_belong_to_one_reset() {
        let codes: Vec<String> = (0..500).map(|n| code(SECRET, ACCOUNT, Uuid::from_u128(n))).collect();
        assert!(codes.iter().all(|code| (1_000..=9_999).contains(&code.parse::<u32>().unwrap())));
        let different: std::collections::BTreeSet<_> = codes.iter().collect();
        assert!(different.len() > 450, "{} of 500", different.len());
        assert!(is_code(SECRET, ACCOUNT, SELECTOR, &code(SECRET, ACCOUNT, SELECTOR)));
        assert!(!is_code(SECRET, ACCOUNT, SELECTOR, ""));
    }
}
