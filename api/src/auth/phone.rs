//! A phone number that is to be proven: a code is sent to it, and whoever types the code has the phone.
//!
//! The code has four digits, so its attempts are counted, in the life of a code and in a day. Should this process end
//! between the event and the profile, the flow `logins` brings the number there.

use super::security_log::SecurityLog;
use crate::limits::Limits;
use crate::state::AppState;
use crate::{Chance, Problem, Secret};
use axum::extract::FromRef;
use domain::account::{Account, AccountRefusal, Proof, Verification};
use domain::{AccountCommand, AccountEvent, AccountId, Command, Event, Refusal};
use journal::tables::phone_codes::{self, Proven};
use journal::tables::security_events::{Kind, Source};
use journal::tables::short_code::{self, Purpose};
use journal::tables::{accounts, profiles};
use journal::{Clock, Commands, Committed, Context, Rider};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Asks for codes, and checks what was sent.
#[derive(Clone)]
pub struct Phones {
    pool: PgPool,
    commands: Commands,
    clock: Clock,
    chance: Chance,
    server_secret: Secret,
    life: Duration,
    texts: bool,
}

impl FromRef<AppState> for Phones {
    fn from_ref(state: &AppState) -> Self {
        Self {
            pool: state.pool.clone(),
            commands: state.commands.clone(),
            clock: state.clock.clone(),
            chance: state.chance,
            server_secret: state.config.server_secret.clone(),
            life: state.config.phone_life,
            texts: state.config.texts,
        }
    }
}

impl Phones {
    /// Has a code sent to this number, which is E.164; answers the position of the event.
    pub async fn request(
        &self,
        limits: &Limits,
        account: AccountId,
        phone: &str,
        context: &Context,
    ) -> Result<i64, Problem> {
        if !self.texts {
            return Err(Problem::conflict("phone_verification_disabled"));
        }
        if accounts::get(&self.pool, account).await?.is_none() {
            return Err(Problem::not_found("account_not_found"));
        }
        let (rules, subject) = (limits.rules(), account.to_string());
        limits.take(rules.phone_verification, &subject).await?;
        limits.take(rules.phone_day, &subject).await?;
        limits.take(rules.phone_number, phone).await?;
        limits.take(rules.phone_number_day, phone).await?;
        let (selector, now) = (self.chance.id(), self.clock.now());
        // The row first: the event names it.
        phone_codes::store(&self.pool, account, selector, phone, now).await?;
        let verification = Verification { selector, expires_at: now + self.life };
        let command = AccountCommand::RequestPhoneVerification { verification };
        let commands = vec![Command::Account { id: account, command }];
        Ok(self.commands.execute(commands, context, Rider::default()).await?.position)
    }

    /// Proves the number, if the code is that of the newest message to it; answers the position of the event.
    pub async fn verify(
        &self,
        limits: &Limits,
        log: &SecurityLog,
        (account, session): (AccountId, Uuid),
        shown: Shown<'_>,
        context: &Context,
    ) -> Result<i64, Problem> {
        let (rules, subject) = (limits.rules(), account.to_string());
        for rule in [rules.phone_code, rules.phone_code_day] {
            let taken = limits.limiter().take(rule, &subject).await?;
            log.admit(taken, Some(account), "phone_code_locked").await?;
        }
        let Some(selector) = self.matching(account, shown).await? else {
            log.note(Kind::PhoneCodeFailed, Some(account), None).await?;
            return Err(invalid());
        };
        let command = AccountCommand::VerifyPhone { selector, at: self.clock.now() };
        let commands = vec![Command::Account { id: account, command }];
        let committed = self.commands.execute(commands, context, Rider::default()).await?;
        self.put_in_force(account, &committed, log.origin.source(Some(session))).await?;
        // The day's guesses stay counted: else a number of one's own would buy new ones at a stranger's.
        limits.limiter().forget(rules.phone_code, &subject).await;
        Ok(committed.position)
    }

    /// The verification that the code belongs to; one that is used up counts while its number is the proven one: a repeat.
    async fn matching(&self, account: AccountId, shown: Shown<'_>) -> Result<Option<Uuid>, Problem> {
        let state = self.commands.state::<Account>(&account.to_string()).await?;
        let Some(proof) = state.registered().and_then(|person| person.phone.as_ref()) else {
            return Ok(None);
        };
        let (selector, used) = match proof {
            Proof::Pending(pending) => (pending.selector, false),
            Proof::Proven { selector } => (*selector, true),
        };
        let waiting = phone_codes::get(&self.pool, account, selector).await?;
        let Some(waiting) = waiting.filter(|waiting| waiting.phone == shown.phone) else { return Ok(None) };
        if !short_code::is_code(self.server_secret.bytes(), Purpose::Phone, account, selector, shown.code) {
            return Ok(None);
        }
        if used && waiting.applied_at.is_some() {
            let profile = profiles::get(&self.pool, account).await?;
            let in_force = profile.is_some_and(|profile| {
                profile.phone_verified_at.is_some() && profile.details.phone.as_deref() == Some(shown.phone)
            });
            return Ok(in_force.then_some(selector));
        }
        Ok(Some(selector))
    }

    async fn put_in_force(
        &self,
        account: AccountId,
        committed: &Committed,
        source: Source<'_>,
    ) -> Result<(), Problem> {
        for envelope in &committed.events {
            let event = envelope.decode().map_err(Problem::internal)?;
            let Event::Account(AccountEvent::PhoneVerified { selector }) = event else { continue };
            let (position, at) = (envelope.position, envelope.recorded_at);
            let proven = Proven { account, selector, position, at };
            phone_codes::apply(&self.pool, proven, source, self.clock.now()).await?;
        }
        Ok(())
    }
}

/// What the caller claims to have received.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// E.164.
    pub phone: &'a str,
    pub code: &'a str,
}

fn invalid() -> Problem {
    Refusal::Account(AccountRefusal::InvalidPhoneCode).into()
}
