//! Accounts as the edge sees them: passwords, tokens, cookies, sessions.
//!
//! | module | what it is |
//! |---|---|
//! | [`password`] | the rule, and Argon2id behind a gate |
//! | [`credentials`] | the proof of a login |
//! | [`guard`] | guessing is slow, and locks out nobody but the guesser |
//! | [`security_log`] | what happened to logins, for the record |
//! | [`email`] | which addresses are taken, and when two are the same |
//! | [`access_token`] | the JWT |
//! | [`keyring`] | the keys that sign it, and how they are replaced |
//! | [`session`] | refresh tokens: begin, rotate, end |
//! | [`csrf_token`] | what a browser repeats, signed for its session |
//! | [`cookies`] | what browsers keep |
//! | [`registration`] | a new account: row, claim, event |
//! | [`verification`] | the mailed link |
//! | [`new_password`] | a new password, and when it counts |
//! | [`reset`] | a forgotten password: the mail, and what gives the right to a new one |
//! | [`phone`] | a phone number: the code, and when it is proven |
//! | [`provision`] | accounts made by an operator |

pub mod access_token;
pub mod cookies;
pub mod credentials;
pub mod csrf_token;
pub mod email;
pub mod guard;
pub mod keyring;
pub mod new_password;
pub mod password;
pub mod phone;
pub mod provision;
pub mod registration;
pub mod reset;
pub mod security_log;
pub mod session;
mod signed_name;
pub mod verification;

/// Longer than what is done for a known address takes, so that the time of the answer does not tell one.
const ANSWER_AFTER: std::time::Duration = std::time::Duration::from_millis(200);

/// What `work` answers, but never sooner than for any other address.
pub async fn evenly<T>(work: impl Future<Output = T>) -> T {
    tokio::join!(work, tokio::time::sleep(ANSWER_AFTER)).0
}

pub use access_token::AccessTokens;
pub use keyring::Keyring;
pub use password::Passwords;
pub use session::Sessions;
