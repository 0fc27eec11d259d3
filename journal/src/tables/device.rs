//! What a browser that has logged in before shows: a name of its own, signed for one account. Nothing is stored.

use crate::tables::mac::mac;
use domain::AccountId;
use subtle::ConstantTimeEq;

/// Hex digits of a name.
const NAME_CHARS: usize = 32;

/// `<name>.<hex HMAC>`, for a cookie.
pub fn token(server_secret: &[u8], name: &str, account: AccountId) -> String {
    let text = format!("known-device:{name}:{account}");
    format!("{name}.{}", hex::encode(mac(server_secret, &[text.as_bytes()])))
}

/// The device's name, if it has logged in to this account before.
pub fn known<'a>(server_secret: &[u8], given: &'a str, account: AccountId) -> Option<&'a str> {
    let (name, _) = given.split_once('.')?;
    let formed = name.len() == NAME_CHARS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let expected = token(server_secret, name, account);
    (formed && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_device_is_known_to_the_account_that_it_logged_in_to() {
        let (one, two) = (AccountId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        let name = "00112233445566778899aabbccddeeff";
        let given = token(b"s", name, one);
        assert_eq!(known(b"s", &given, one), Some(name));
        assert_eq!(known(b"s", &given, two), None);
        assert_eq!(known(b"t", &given, one), None);
        for wrong in ["", ".", "x.y", &given[1..], &token(b"s", "short", one)] {
            assert_eq!(known(b"s", wrong, one), None, "{wrong}");
        }
    }
}
