//! What a browser repeats to show that our page sends the request: a name, signed for one session.
//!
//! Whoever can plant cookies (a page of a sub-domain) cannot make one that fits the session of somebody else; and
//! what the signing keys of access tokens do is nothing to it.

use super::signed_name::Scope;
use crate::{Chance, Secret};
use journal::mac::Label;
use uuid::Uuid;

/// Whose requests a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Nobody is logged in.
    Anonymous,
    Session(Uuid),
}

pub fn issue(secret: &Secret, bound: Bound, chance: Chance) -> String {
    bound.scope().issue(secret, chance)
}

/// Is it one of ours, and of this session?
pub fn fits(secret: &Secret, given: &str, bound: Bound) -> bool {
    bound.scope().name_of(secret, given).is_some()
}

impl Bound {
    fn scope(self) -> Scope {
        let owner = match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Session(id) => format!("session {id}"),
        };
        Scope { purpose: Label::CsrfToken, owner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_the_session_that_it_was_made_for() {
        let (one, other) = (Bound::Session(Uuid::from_u128(1)), Bound::Session(Uuid::from_u128(2)));
        let secret = Secret::new(*b"s");
        for (made_for, refused) in [(one, other), (one, Bound::Anonymous), (Bound::Anonymous, one)] {
            let token = issue(&secret, made_for, Chance);
            assert!(fits(&secret, &token, made_for));
            assert!(!fits(&secret, &token, refused));
            assert!(!fits(&Secret::new(*b"t"), &token, made_for));
        }
    }
}
