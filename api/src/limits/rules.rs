//! What is limited.

use std::time::Duration;

/// So many uses in a window that the first one opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Told to the caller, and part of the counter's key.
    pub name: &'static str,
    pub points: u32,
    pub window: Duration,
    /// Most points that a process takes at once; more than one where a statement for each request would be dear.
    pub block_max: u32,
    /// Whoever takes one too many waits for a whole window from then on.
    pub penalty: bool,
}

impl Rule {
    pub const fn new(name: &'static str, points: u32, seconds: u64) -> Self {
        Self { name, points, window: Duration::from_secs(seconds), block_max: 1, penalty: false }
    }

    const fn with_penalty(self) -> Self {
        Self { penalty: true, ..self }
    }

    /// Points that a process takes at once: small beside the limit.
    pub fn block(&self) -> u32 {
        self.block_max.min(self.points / 20).max(1)
    }
}

/// The limits of this service; the defaults are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// All requests of an account, or of an address where nobody is logged in.
    pub api: Rule,
    /// Everything below `/auth`, by address.
    pub auth: Rule,
    /// Mails with a link, by e-mail address and client.
    pub email_verification: Rule,
    /// All mails that somebody can have sent to an address without logging in, but for resets.
    pub mails: Rule,
    /// Requests for a new password, by e-mail address and client.
    pub password_reset: Rule,
    /// The same over a day, so that no journal grows by one who goes on and on.
    pub password_reset_day: Rule,
    /// Mails with a reset, by e-mail address; its window is the life of one, so that the owner always has a good one.
    pub reset_mails: Rule,
    /// Guesses at the short code of a reset, by e-mail address. The link in the same mail is good beyond them.
    pub reset_code: Rule,
    /// Codes for phone numbers, by account.
    pub phone_verification: Rule,
    /// The same for a day: each is a message that is paid for.
    pub phone_day: Rule,
    /// Codes that a number is sent, whoever asks for them: nobody's phone is flooded.
    pub phone_number: Rule,
    /// The same for a day; it also bounds how often strangers can guess at one number.
    pub phone_number_day: Rule,
    /// Wrong codes, by account; its window is the life of a code.
    pub phone_code: Rule,
    /// Guesses in a day, right or wrong: whoever proves a number of his own between them has no more.
    pub phone_code_day: Rule,
    /// Pictures, by account.
    pub ai_account: Rule,
    /// Pictures, by draft.
    pub ai_draft: Rule,
    /// Guesses at the password of one who is logged in, by account.
    pub password_change: Rule,
    /// Failed logins, by e-mail address and client.
    pub login_failures: Rule,
}

/// Requests that a process answers between two looks at the shared counter.
const API_BLOCK: u32 = 20;

impl Default for Rules {
    fn default() -> Self {
        Self {
            api: Rule { block_max: API_BLOCK, ..Rule::new("api", 600, 60) },
            auth: Rule::new("auth", 60, 60).with_penalty(),
            email_verification: Rule::new("email_verification", 3, 60).with_penalty(),
            mails: Rule::new("mails", 10, 3_600),
            password_reset: Rule::new("password_reset", 3, 60).with_penalty(),
            password_reset_day: Rule::new("password_reset_day", 10, 86_400),
            reset_mails: Rule::new("reset_mails", 3, 600),
            reset_code: Rule::new("reset_code", 10, 30 * 86_400),
            phone_verification: Rule::new("phone_verification", 5, 60).with_penalty(),
            phone_day: Rule::new("phone_day", 20, 86_400),
            phone_number: Rule::new("phone_number", 5, 3_600),
            phone_number_day: Rule::new("phone_number_day", 10, 86_400),
            phone_code: Rule::new("phone_code", 5, 600),
            phone_code_day: Rule::new("phone_code_day", 20, 86_400),
            ai_account: Rule::new("ai_account", 30, 60),
            ai_draft: Rule::new("ai_draft", 10, 60),
            password_change: Rule::new("password_change", 5, 600),
            login_failures: Rule::new("login_failures", 5, 600),
        }
    }
}
