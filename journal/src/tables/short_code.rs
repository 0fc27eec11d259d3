//! Codes of four digits that are sent to a person, the contract's form. They are derived, so no table keeps them; they
//! can be guessed, so attempts must be counted.

use crate::mac::{Label, mac};
use domain::AccountId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// What a code gives the right to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    PasswordReset,
    Phone,
}

impl Purpose {
    fn of_mac(self) -> Label {
        match self {
            Self::PasswordReset => Label::PasswordResetCode,
            Self::Phone => Label::PhoneCode,
        }
    }
}

/// 1000 to 9999; the bias of the remainder is one in 2⁵⁰.
pub fn code(server_secret: &[u8], purpose: Purpose, account: AccountId, selector: Uuid) -> String {
    let mac = mac(server_secret, purpose.of_mac(), &[account.0.as_bytes(), selector.as_bytes()]);
    let number = mac.iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    (number % 9_000 + 1_000).to_string()
}

/// Whether the code is the one that was sent.
pub fn is_code(
    server_secret: &[u8],
    purpose: Purpose,
    account: AccountId,
    selector: Uuid,
    given: &str,
) -> bool {
    code(server_secret, purpose, account, selector).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Whether it may be a code at all.
pub fn has_form(given: &str) -> bool {
    given.len() == 4 && given.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"secret";
    const ACCOUNT: AccountId = AccountId(Uuid::from_u128(1));
    const SELECTOR: Uuid = Uuid::from_u128(7);

    #[test]
    fn codes_have_four_digits() {
        let code = |n| code(SECRET, Purpose::PasswordReset, ACCOUNT, Uuid::from_u128(n));
        let codes: Vec<String> = (0..500).map(code).collect();
        assert!(codes.iter().all(|code| (1_000..=9_999).contains(&code.parse::<u32>().unwrap())));
        assert!(codes.iter().all(|code| has_form(code)));
        let different: std::collections::BTreeSet<_> = codes.iter().collect();
        assert!(different.len() > 450, "{} of 500", different.len());
        for wrong in ["", "123", "12345", "12a4", "١٢٣٤"] {
            assert!(!has_form(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_code_belongs_to_one_purpose_account_and_selector() {
        let good = code(SECRET, Purpose::Phone, ACCOUNT, SELECTOR);
        let is = |secret, purpose, account, given: &str| is_code(secret, purpose, account, SELECTOR, given);
        assert!(is(SECRET, Purpose::Phone, ACCOUNT, &good));
        assert!(!is(SECRET, Purpose::Phone, ACCOUNT, ""));
        assert!(!is(SECRET, Purpose::Phone, AccountId(SELECTOR), &good));
        assert!(!is(b"other", Purpose::Phone, ACCOUNT, &good));
        assert!(!is(SECRET, Purpose::PasswordReset, ACCOUNT, &good));
        let reset = code(SECRET, Purpose::PasswordReset, ACCOUNT, SELECTOR);
        assert!(is(SECRET, Purpose::PasswordReset, ACCOUNT, &reset));
    }
}
