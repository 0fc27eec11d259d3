//! Plain tables beside the journal: personal data, and what needs no history. One SQL statement per function.
//!
//! | module | what it keeps |
//! |---|---|
//! | [`accounts`] | e-mail address, name, password hash |
//! | [`addresses`] | the address book |
//! | [`profiles`], [`privacy`], [`avatars`] | what people tell of themselves, what others see of it, their picture |
//! | [`sessions`] | devices and their refresh tokens |
//! | [`idempotent_answers`] | answers to requests with an `Idempotency-Key`, for a day |
//! | [`personal`] | what orders remember of a person, erasable |
//! | [`verification`] | the secret of a verification link; derived, so nothing is kept |
//! | [`password_changes`] | new passwords until they count |
//! | [`password_reset`] | the secret of a reset's link; derived, so nothing is kept |
//! | [`short_code`] | four digits that are sent to a person; derived, so nothing is kept |
//! | [`phone_codes`] | numbers that are to be proven; their codes are derived |
//! | [`message_cards`] | the cards beside a cover |
//! | [`checkouts`] | the pages that a payment provider opened |
//! | [`callback_log`] | calls that claim to come from a provider |
//! | [`device`] | what a browser shows that has logged in before; derived, so nothing is kept |
//! | [`rate_limits`] | how often somebody did something |
//! | [`signing_keys`] | the keys of access tokens, encrypted |
//! | [`security_events`] | logins, failures, locks, logouts |

pub mod accounts;
pub mod addresses;
pub mod avatars;
pub mod callback_log;
pub mod checkouts;
pub mod idempotent_answers;
pub mod message_cards;
pub mod password_changes;
pub mod password_reset;
pub mod personal;
pub mod phone_codes;
pub mod privacy;
pub mod profiles;
pub mod rate_limits;
pub mod security_events;
pub mod sessions;
pub mod short_code;
pub mod signing_keys;
pub mod verification;
