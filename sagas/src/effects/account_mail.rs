//! Mails about an account. Before a secret is sent, the account is asked whether it still opens anything.

use super::{EffectError, Effects, Origin};
use crate::integrations::mail::templates::account::{self, Notice, Secret};
use crate::integrations::mail::templates::{Letter, TemplateError};
use domain::AccountId;
use domain::account::{Account, Proof, Registered, Verification};
use journal::tables::accounts::{self, Recipient};
use journal::tables::short_code::{self, Purpose};
use journal::tables::{password_reset, verification};
use url::Url;
use uuid::Uuid;

impl Effects {
    pub(super) async fn mail_verification(
        &self,
        account: AccountId,
        selector: Uuid,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        // Asked for again, or proven meanwhile: an old link would only confuse.
        let Proof::Pending(pending) = self.person(account).await?.email else { return Ok("not_needed") };
        if pending.selector != selector {
            return Ok("superseded");
        }
        let token = verification::token(&self.settings.secret, selector, account);
        let link = with_token(&self.settings.public_url, "/verify-email", &token);
        self.write(account, origin, |person| {
            account::email_verification(&self.secret(person, &pending, link, token))
        })
        .await
    }

    pub(super) async fn mail_password_reset(
        &self,
        account: AccountId,
        selector: Uuid,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let state = self.person(account).await?;
        let Some(pending) = state.resets.iter().find(|reset| reset.selector == selector) else {
            return Ok("superseded");
        };
        if pending.expires_at <= self.clock.now() {
            return Ok("expired");
        }
        let secret = &self.settings.secret;
        let token = password_reset::token(secret, account, selector);
        let link = with_token(&self.settings.shop_url, "/reset-password", &token);
        let code = short_code::code(secret, Purpose::PasswordReset, account, selector);
        self.write(account, origin, |person| {
            account::password_reset(&self.secret(person, pending, link, code))
        })
        .await
    }

    pub(super) async fn mail_notice(
        &self,
        account: AccountId,
        notice: Notice,
        origin: &Origin,
    ) -> Result<&'static str, EffectError> {
        let mut link = self.settings.shop_url.clone();
        link.set_path("/forgot-password");
        self.write(account, origin, |person| {
            let name = person.name.as_deref().unwrap_or_default();
            account::notice(notice, name, origin.recorded_at, &link)
        })
        .await
    }

    pub(super) async fn person(&self, account: AccountId) -> Result<Registered, EffectError> {
        match self.commands.state::<Account>(&account.to_string()).await? {
            Account::Registered(person) => Ok(person),
            Account::Unknown => Err(EffectError::Missing("the account")),
        }
    }

    fn secret(&self, person: &Recipient, pending: &Verification, link: Url, code: String) -> Secret {
        let left = pending.expires_at - self.clock.now();
        let valid_minutes = u32::try_from(left.whole_minutes()).unwrap_or(0);
        Secret { name: person.name.clone().unwrap_or_default(), link, code, valid_minutes }
    }

    async fn write(
        &self,
        account: AccountId,
        origin: &Origin,
        letter: impl FnOnce(&Recipient) -> Result<Letter, TemplateError>,
    ) -> Result<&'static str, EffectError> {
        let Some(person) = accounts::recipient(&self.pool, account).await? else {
            return Err(EffectError::Missing("the account"));
        };
        let letter = letter(&person).map_err(|error| EffectError::Document(error.to_string()))?;
        self.send(person.email, person.name, letter, vec![], origin).await
    }
}

fn with_token(base: &Url, path: &str, token: &str) -> Url {
    let mut link = base.clone();
    link.set_path(path);
    link.query_pairs_mut().append_pair("token", token);
    link
}
