//! Guessing passwords is made slow, and locks nobody out but the guesser.
//!
//! Failures are counted for an address *and* a client, so strangers use up their own attempts. A browser that has
//! logged in to the account before is counted by itself, wherever it is. The more failures an address has seen from
//! everywhere, the longer each attempt from an unknown browser takes; it is never refused for what others did.
//! Addresses without an account are treated the same.

use super::cookies;
use super::email::comparable;
use super::signed_name::Scope;
use crate::limits::{Limits, Rule};
use crate::{Chance, Problem, Secret};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use domain::AccountId;
use journal::mac::Label;
use std::time::Duration;

/// Attempts on one address from everywhere before they are slowed down, and how long they are remembered.
const PRESSURE: Rule = Rule::new("login_pressure", 10, 600);
/// Beyond, nothing is counted any more: the delay has long been the longest.
const PRESSURE_COUNTED: u32 = 1_000;
const DELAY_STEP: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(3);

/// An attempt that may go on.
pub struct Attempt {
    subject: String,
    email: String,
    known: bool,
}

/// Why an attempt may not go on.
pub struct Locked {
    pub problem: Problem,
    /// The first refusal since the count began.
    pub first: bool,
}

/// Counts the attempt before its password is looked at, so that many at once do not pass together.
pub async fn admit(
    limits: &Limits,
    secret: &Secret,
    jar: &CookieJar,
    email: &str,
    account: Option<AccountId>,
) -> Result<Result<Attempt, Locked>, Problem> {
    let email = comparable(email);
    let given = jar.get(cookies::DEVICE).map(Cookie::value);
    let device = account.zip(given).and_then(|(account, given)| known_device(account).name_of(secret, given));
    let subject = match device {
        Some(name) => format!("{email} device {name}"),
        None => format!("{email} client {}", limits.client.subject()),
    };
    let rule = limits.rules().login_failures;
    let taken = limits.limiter().take(rule, &subject).await?;
    if taken.exceeds() {
        let first = taken.is_first_refusal();
        return Ok(Err(Locked { problem: taken.refusal("login_locked"), first }));
    }
    let known = device.is_some();
    if !known {
        let pressure = Rule { points: PRESSURE_COUNTED, ..PRESSURE };
        let taken = limits.limiter().take(pressure, &email).await?;
        tokio::time::sleep(delay(taken.used)).await;
    }
    Ok(Ok(Attempt { subject, email, known }))
}

fn delay(attempts: u32) -> Duration {
    (DELAY_STEP * attempts.saturating_sub(PRESSURE.points)).min(DELAY_MAX)
}

impl Attempt {
    /// The password was right: the failures before it were slips.
    pub async fn succeeded(self, limits: &Limits) {
        limits.limiter().forget(limits.rules().login_failures, &self.subject).await;
        if !self.known {
            limits.limiter().forget(PRESSURE, &self.email).await;
        }
    }
}

/// The cookie by which this browser is known next time; none, if the one that it has is good.
pub fn remembered(secret: &Secret, jar: &CookieJar, account: AccountId, chance: Chance) -> Option<String> {
    let (scope, given) = (known_device(account), jar.get(cookies::DEVICE).map(Cookie::value));
    let known = given.is_some_and(|given| scope.name_of(secret, given).is_some());
    (!known).then(|| scope.issue(secret, chance))
}

/// The name of a browser that has logged in to this account.
fn known_device(account: AccountId) -> Scope {
    Scope { purpose: Label::KnownDevice, owner: account.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_grow_slower_up_to_a_bound() {
        assert_eq!([1, 10, 11, 20].map(delay), [Duration::ZERO, Duration::ZERO, DELAY_STEP, DELAY_STEP * 10]);
        assert_eq!([41, 1_001, u32::MAX].map(delay), [DELAY_MAX; 3]);
    }
}
